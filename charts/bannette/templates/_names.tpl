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
