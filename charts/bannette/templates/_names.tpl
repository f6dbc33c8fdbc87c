{{- define "bannette.labels" -}}
app.kubernetes.io/name: bannette
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: bannette
{{- end }}

{{- define "bannette.selector" -}}
app.kubernetes.io/name: bannette
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end }}

{{/* The same as operator/bannette/controller/rights.py, which says why; a test compares them. */}}
{{- define "bannette.rules" -}}
# What it is about. It never creates or changes a channel, binder or recipient.
- apiGroups: [bannette.io]
  resources: [collectionchannels, binders, recipients]
  verbs: [get, list, watch]
- apiGroups: [bannette.io]
  resources: [collectionchannels/status, binders/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, create, update]
# The children of a channel.
- apiGroups: [batch]
  resources: [cronjobs]
  verbs: [get, list, watch, create, patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, list, watch, create, patch]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, watch, create, patch]
# Prerequisites; why a run ended without a word; what people want to know.
- apiGroups: [""]
  resources: [configmaps, persistentvolumeclaims]
  verbs: [get]
- apiGroups: [""]
  resources: [pods]
  verbs: [list]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end }}
