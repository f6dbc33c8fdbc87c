{{- define "bannette.labels" -}}
app.kubernetes.io/name: bannette
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/part-of: bannette
{{- end }}

{{- define "bannette.connect.labels" -}}
{{ include "bannette.labels" . | replace "component: operator" "component: connect" }}
{{- end }}

{{- define "bannette.connect.selector" -}}
{{ include "bannette.selector" . | replace "component: operator" "component: connect" }}
{{- end }}

{{- define "bannette.connect.keys" -}}
{{ .Values.connect.keysSecret | default "bannette-connect-keys" }}
{{- end }}

{{- define "bannette.connect.smtpPort" -}}
{{ .Values.connect.smtp.port | int | default (get (dict "starttls" 587 "tls" 465 "none" 25) .Values.connect.smtp.security) }}
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

{{/* What leads to Microsoft, for the operator (which hands it to the runs) and for the pages. */}}
{{- define "bannette.onedrive.env" -}}
{{- with .Values.onedrive.clientId }}
- {name: BANNETTE_CLIENT_ID, value: {{ . | quote }}}
{{- end }}
{{- with .Values.onedrive.graphUrl }}
- {name: BANNETTE_GRAPH_URL, value: {{ . | quote }}}
{{- end }}
{{- with .Values.onedrive.authorityUrl }}
- {name: BANNETTE_AUTHORITY_URL, value: {{ . | quote }}}
{{- end }}
{{- with .Values.onedrive.downloadHosts }}
- {name: BANNETTE_DOWNLOAD_HOSTS, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{/* What the pages' ServiceAccount holds beside the channels' own Roles, which have the Secrets, each by name. */}}
{{- define "bannette.connect.rules" -}}
- apiGroups: [bannette.io]
  resources: [collectionchannels, binders, recipients]
  verbs: [get, list, watch]
# Whether its mails reach a recipient.
- apiGroups: [bannette.io]
  resources: [recipients/status]
  verbs: [patch]
{{- if .Values.connect.console.enabled }}
# To have inboxes opened, for whoever may read the documents in them; by the policy it changes nothing else of a Binder.
- apiGroups: [bannette.io]
  resources: [binders]
  verbs: [patch]
- apiGroups: [bannette.io]
  resources: [binders/inbox]
  verbs: [get]
{{- end }}
{{- if and .Values.connect.console.enabled .Values.connect.console.userHeader }}
# For people whom a proxy signs in, after the API server was asked whether they may.
- apiGroups: [bannette.io]
  resources: [collectionchannels]
  verbs: [patch, create, configure]
- apiGroups: [bannette.io]
  resources: [recipients]
  verbs: [create, configure]
{{- end }}
{{- end }}
