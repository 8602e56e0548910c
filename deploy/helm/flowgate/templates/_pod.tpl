{{/*
The environment of the gateway. A variable overrides the file, and the image sets FLOWGATE_LISTEN_ADMIN, so the address
of the admin listener is a variable here too.
*/}}
{{- define "flowgate.env" -}}
- name: FLOWGATE_LISTEN_ADMIN
  value: {{ include "flowgate.adminAddress" . | quote }}
{{- if .Values.existingConfigMap }}
- name: FLOWGATE_LISTEN_PUBLIC
  value: {{ include "flowgate.publicAddress" . | quote }}
- name: FLOWGATE_LISTEN_DRAIN_DELAY
  value: {{ dig "listen" "drainDelay" "5s" .Values.config | quote }}
- name: FLOWGATE_LISTEN_DRAIN_TIMEOUT
  value: {{ dig "listen" "drainTimeout" "25s" .Values.config | quote }}
{{- end }}
{{- with .Values.env }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The sources of the volume with the configuration file and the files that it names. */}}
{{- define "flowgate.sources" -}}
- configMap:
    name: {{ .Values.existingConfigMap | default (include "flowgate.fullname" .) }}
    items: [{key: gateway.yaml, path: gateway.yaml}]
{{- range $path, $file := .Values.files }}
{{- if hasKey $file "content" }}
- secret:
    name: {{ include "flowgate.fullname" $ }}
    items: [{key: {{ include "flowgate.secretKey" $path }}, path: {{ $path }}}]
{{- else }}
- {{ hasKey $file "secret" | ternary "secret" "configMap" }}:
    name: {{ $file.secret | default $file.configMap }}
    items: [{key: {{ $file.key | default (base $path) }}, path: {{ $path }}}]
{{- end }}
{{- end }}
{{- end }}
