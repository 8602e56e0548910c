{{/* Fails if values contradict each other, or name something that does not exist. It renders nothing. */}}
{{- define "flowgate.validate" -}}
{{- if .Values.existingConfigMap }}
  {{- include "flowgate.validateExisting" . }}
{{- else }}
  {{- include "flowgate.validateConfig" . }}
{{- end }}
{{- include "flowgate.validateListeners" . }}
{{- include "flowgate.validateEnv" . }}
{{- include "flowgate.validateHosts" . }}
{{- include "flowgate.validateAutoscaling" . }}
{{- include "flowgate.validateMonitoring" . }}
{{- end }}

{{- define "flowgate.validateConfig" -}}
{{- if not (dig "upstream" "address" "" .Values.config) }}
  {{- fail "config.upstream.address is required: the address of the Temporal server" }}
{{- end }}
{{- $several := .Values.autoscaling.enabled | ternary .Values.autoscaling.maxReplicas .Values.replicaCount | int | lt 1 }}
{{- if and $several (not (dig "tokens" "keyFiles" nil .Values.config)) }}
  {{- fail "config.tokens.keyFiles is required with more than one replica: without it, replicas reject each other's page tokens" }}
{{- end }}
{{- with include "flowgate.missingFiles" (dict "node" .Values.config "path" "config" "files" .Values.files) }}
  {{- fail (printf "config names files that are not in files:%s" .) }}
{{- end }}
{{- end }}

{{/* The chart depends on these settings, so they cannot be in a ConfigMap that it does not know. */}}
{{- define "flowgate.validateExisting" -}}
{{- $listen := .Values.config.listen | default dict }}
{{- $others := concat (omit .Values.config "listen" | keys) (omit $listen "public" "admin" "drainDelay" "drainTimeout" | keys) }}
{{- with $others | sortAlpha }}
  {{- fail (printf "config has %s, which existingConfigMap replaces" (join ", " .)) }}
{{- end }}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.egress) }}
  {{- fail "networkPolicy.egress must allow connections to Temporal: with existingConfigMap, the chart does not know its address" }}
{{- end }}
{{- end }}

{{/*
The relative paths in a configuration that are not in files, one a line with the setting's path. The settings are found
by their names. The arguments are a node of the configuration, its path, the files, and whether strings in the node are
files.
*/}}
{{- define "flowgate.missingFiles" -}}
{{- $arguments := . }}
{{- range $key, $value := .node }}
  {{- $path := printf "%s.%s" $arguments.path (toString $key) }}
  {{- $isFile := or $arguments.isFile (regexMatch "(^f|F)iles?$" (toString $key)) }}
  {{- if or (kindIs "slice" $value) (and (kindIs "map" $value) (ne (toString $key) "metadata")) }}
    {{- include "flowgate.missingFiles" (dict "node" $value "path" $path "files" $arguments.files "isFile" $isFile) }}
  {{- else if and (kindIs "string" $value) $value }}
    {{- $name := $value | clean | trimPrefix "/etc/flowgate/" }}
    {{- if and $isFile (not (isAbs $name)) (not (hasKey $arguments.files $name)) }}
      {{- printf "\n  %s: %s" $path $value }}
    {{- else if and (eq (toString $key) "folder") (not (isAbs $name)) (not (include "flowgate.folder" (list $name $arguments.files))) }}
      {{- printf "\n  %s: %s" $path $value }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Not empty if files has a file in the directory. The arguments are a list of both. */}}
{{- define "flowgate.folder" -}}
{{- $prefix := printf "%s/" (first .) }}
{{- range $path, $_ := last . }}
  {{- if hasPrefix $prefix $path }}found{{ end }}
{{- end }}
{{- end }}

{{- define "flowgate.validateListeners" -}}
{{- $addresses := dict "public" (include "flowgate.publicAddress" .) "admin" (include "flowgate.adminAddress" .) }}
{{- range $name, $address := $addresses }}
  {{- if regexMatch "^(127\\.|localhost:|\\[::1\\])" $address }}
    {{- fail (printf "config.listen.%s: %s is a loopback address, which other pods and kubelets cannot reach" $name $address) }}
  {{- end }}
  {{- if not (regexMatch ":[1-9][0-9]*$" $address) }}
    {{- fail (printf "config.listen.%s: %s must have a port, and not 0" $name $address) }}
  {{- end }}
{{- end }}
{{- if eq (include "flowgate.port" $addresses.public) (include "flowgate.port" $addresses.admin) }}
  {{- fail "config.listen.public and config.listen.admin must have different ports" }}
{{- end }}
{{- end }}

{{/* A variable overrides the file, so the rest of the chart would not match these settings. */}}
{{- define "flowgate.validateEnv" -}}
{{- range .Values.env }}
  {{- if regexMatch "^FLOWGATE_LISTEN_(PUBLIC|ADMIN|DRAIN_DELAY|DRAIN_TIMEOUT|TLS_.*)$" .name }}
    {{- fail (printf "env: set %s in config.listen, on which other objects of the chart depend" .name) }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Host names without a wildcard must be in listen.hosts, because the gateway rejects others with 421. */}}
{{- define "flowgate.validateHosts" -}}
{{- $values := .Values }}
{{- $allowed := dig "listen" "hosts" nil .Values.config }}
{{- range $route, $hosts := dict "ingress.hosts" .Values.ingress.hosts "httpRoute.hostnames" .Values.httpRoute.hostnames "grpcRoute.hostnames" .Values.grpcRoute.hostnames }}
  {{- $enabled := get (get $values (splitList "." $route | first)) "enabled" }}
  {{- range $enabled | ternary $hosts list }}
    {{- if and $allowed (not (hasPrefix "*" .)) (not (has . $allowed)) }}
      {{- fail (printf "%s: %s is not in config.listen.hosts, so the gateway would reject its requests" $route .) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
  {{- fail "ingress.hosts is required with ingress.enabled" }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
  {{- fail "httpRoute.parentRefs is required with httpRoute.enabled" }}
{{- end }}
{{- if and .Values.grpcRoute.enabled (not .Values.grpcRoute.parentRefs) }}
  {{- fail "grpcRoute.parentRefs is required with grpcRoute.enabled" }}
{{- end }}
{{- end }}

{{- define "flowgate.validateAutoscaling" -}}
{{- $autoscaling := .Values.autoscaling }}
{{- if $autoscaling.enabled }}
  {{- if gt (int $autoscaling.minReplicas) (int $autoscaling.maxReplicas) }}
    {{- fail "autoscaling.minReplicas must not exceed autoscaling.maxReplicas" }}
  {{- end }}
  {{- if not (or $autoscaling.targetCPUUtilization $autoscaling.inFlight) }}
    {{- fail "autoscaling requires targetCPUUtilization or inFlight" }}
  {{- end }}
  {{- if and $autoscaling.targetCPUUtilization (not (dig "requests" "cpu" "" .Values.resources)) }}
    {{- fail "autoscaling.targetCPUUtilization requires resources.requests.cpu" }}
  {{- end }}
  {{- $defaults := dict "read" 400 "write" 200 "wait" 10000 "poll" 1000 }}
  {{- $config := .Values.config }}
  {{- range $kind, $target := $autoscaling.inFlight }}
    {{- $limit := dig "limits" "inFlight" (printf "%ss" $kind) (get $defaults $kind) $config }}
    {{- if ge (int $target) (int $limit) }}
      {{- fail (printf "autoscaling.inFlight.%s: %d must be less than config.limits.inFlight.%ss, %d, which it could never exceed" $kind (int $target) $kind (int $limit)) }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "flowgate.validateMonitoring" -}}
{{- if and .Values.podMonitor.enabled .Values.serviceMonitor.enabled }}
  {{- fail "podMonitor and serviceMonitor would scrape each replica twice: enable one" }}
{{- end }}
{{- $monitored := or .Values.podMonitor.enabled .Values.serviceMonitor.enabled }}
{{- if and $monitored .Values.networkPolicy.enabled (not .Values.networkPolicy.admin) }}
  {{- fail "networkPolicy.admin must allow Prometheus, because podMonitor or serviceMonitor is enabled" }}
{{- end }}
{{- end }}
