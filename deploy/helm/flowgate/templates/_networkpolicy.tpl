{{/*
The ports of Temporal servers, as a map whose keys are the ports. Behind a proxy, the gateway connects to the proxy only.
*/}}
{{- define "flowgate.temporalPorts" -}}
{{- $ports := dict }}
{{- $proxy := dig "upstream" "proxy" "address" "" .Values.config }}
{{- $addresses := list (dig "upstream" "address" "" .Values.config) }}
{{- range .Values.config.namespaces }}
  {{- $addresses = append $addresses (dig "upstream" "address" "" (. | default dict)) }}
{{- end }}
{{- range $proxy | empty | ternary $addresses (list $proxy) | compact }}
  {{- $_ := set $ports (include "flowgate.port" .) true }}
{{- end }}
{{- toYaml $ports }}
{{- end }}

{{/* The ports from which the gateway fetches the keys of issuers, as a map whose keys are the ports. */}}
{{- define "flowgate.issuerPorts" -}}
{{- $ports := dict }}
{{- range dig "auth" "jwt" list .Values.config }}
  {{- if .jwksURL }}
    {{- $_ := set $ports (include "flowgate.urlPort" .jwksURL) true }}
  {{- else if .discovery }}
    {{- $_ := set $ports (include "flowgate.urlPort" .issuer) true }}
  {{- end }}
{{- end }}
{{- toYaml $ports }}
{{- end }}

{{/* The ports of OpenTelemetry collectors, as a map whose keys are the ports. */}}
{{- define "flowgate.collectorPorts" -}}
{{- $ports := dict }}
{{- range .Values.env }}
  {{- if and (regexMatch "^OTEL_EXPORTER_OTLP_([A-Z]+_)?ENDPOINT$" .name) .value }}
    {{- $_ := set $ports (include "flowgate.urlPort" .value) true }}
  {{- end }}
{{- end }}
{{- toYaml $ports }}
{{- end }}

{{- define "flowgate.urlPort" -}}
{{- $url := urlParse . }}
{{- $default := eq $url.scheme "https" | ternary "443" "80" }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default $default }}
{{- end }}

{{/* An egress rule, or nothing without ports. The arguments are a list of peers and a map whose keys are TCP ports. */}}
{{- define "flowgate.egressRule" -}}
{{- $ports := last . }}
{{- if $ports -}}
- ports:
    {{- range $ports | keys | sortAlpha }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with first . }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{ end }}
{{- end }}
