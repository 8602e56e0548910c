{{/* Metadata and the first part of the specification of a route. The arguments are a list of the root context and its values. */}}
{{- define "flowgate.route" -}}
{{- $root := first . }}
{{- with last . -}}
metadata:
  name: {{ include "flowgate.fullname" $root }}
  labels:
    {{- include "flowgate.labels" (list $root) | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- toYaml .parentRefs | nindent 4 }}
  {{- with .hostnames }}
  hostnames:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
