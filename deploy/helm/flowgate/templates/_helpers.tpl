{{- define "flowgate.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* The names of some objects have a suffix, and names of Services have at most 63 characters. */}}
{{- define "flowgate.fullname" -}}
{{- $name := include "flowgate.name" . }}
{{- $default := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- .Values.fullnameOverride | default $default | trunc 52 | trimSuffix "-" }}
{{- end }}

{{/* The selector of the gateway's pods. It does not match the pod of helm test. */}}
{{- define "flowgate.selectorLabels" -}}
app.kubernetes.io/name: {{ include "flowgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "flowgate.testLabels" -}}
app.kubernetes.io/name: {{ include "flowgate.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end }}

{{/* The labels of an object, from a list of the root context and labels of the object's own. */}}
{{- define "flowgate.labels" -}}
{{- $root := first . }}
{{- $chart := dict
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/version" ($root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | trimSuffix "-" | toString)
      "app.kubernetes.io/managed-by" $root.Release.Service }}
{{- $selector := include "flowgate.selectorLabels" $root | fromYaml }}
{{- toYaml (merge (dict) (rest . | first | default dict) $selector $chart $root.Values.commonLabels) }}
{{- end }}

{{- define "flowgate.serviceAccountName" -}}
{{- $default := .Values.serviceAccount.create | ternary (include "flowgate.fullname" .) "default" }}
{{- .Values.serviceAccount.name | default $default }}
{{- end }}

{{- define "flowgate.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* The directory of the configuration file. Relative paths in the configuration are relative to it. */}}
{{- define "flowgate.directory" -}}
/etc/flowgate
{{- end }}

{{- define "flowgate.publicAddress" -}}
{{- dig "listen" "public" ":8080" .Values.config }}
{{- end }}

{{/* Kubelets connect to the address of the pod, which the gateway's default, a loopback address, does not serve. */}}
{{- define "flowgate.adminAddress" -}}
{{- dig "listen" "admin" ":8081" .Values.config }}
{{- end }}

{{/* The port of an address. */}}
{{- define "flowgate.port" -}}
{{- regexFind "[0-9]+$" . }}
{{- end }}

{{/* The application protocol of the public listener, in a Service. */}}
{{- define "flowgate.appProtocol" -}}
{{- dig "listen" "tls" "certFile" "" .Values.config | empty | ternary "http" "https" }}
{{- end }}

{{/* Key of a file in the chart's Secret, whose keys must not contain a slash. A path never contains two dots in a row. */}}
{{- define "flowgate.secretKey" -}}
{{- replace "/" ".." . }}
{{- end }}

{{/* The contents of the chart's Secret, base64, as a map. */}}
{{- define "flowgate.secretData" -}}
{{- $data := dict }}
{{- range $path, $file := .Values.files }}
{{- if hasKey $file "content" }}
{{- $_ := set $data (include "flowgate.secretKey" $path) ($file.content | b64enc) }}
{{- end }}
{{- end }}
{{- toYaml $data }}
{{- end }}

{{/*
The hash of the files in the chart's Secret whose change must roll the Deployment. The gateway reloads the keys file and
the file of issuers and certificates, which change often, so they are not part of the hash.
*/}}
{{- define "flowgate.secretChecksum" -}}
{{- $keys := dig "auth" "apiKeys" "file" "" .Values.config | clean }}
{{- $callers := dig "auth" "file" "" .Values.config | clean }}
{{- omit (include "flowgate.secretData" . | fromYaml) (include "flowgate.secretKey" $keys) (include "flowgate.secretKey" $callers) | toYaml | sha256sum }}
{{- end }}

{{/* A duration of the configuration, after a check. The arguments are a list of its path and value. */}}
{{- define "flowgate.duration" -}}
{{- $text := last . | toString }}
{{- if not (regexMatch "^(0|([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$" $text) }}
{{- fail (printf "%s: %q is not a duration such as 1m30s" (first .) $text) }}
{{- end }}
{{- $text }}
{{- end }}

{{/*
The time in which the gateway exits, in whole seconds: the drain and 15 seconds. The template language cannot parse
durations, but it can add them to a time.
*/}}
{{- define "flowgate.gracePeriod" -}}
{{- $delay := include "flowgate.duration" (list "config.listen.drainDelay" (dig "listen" "drainDelay" "5s" .Values.config)) }}
{{- $timeout := include "flowgate.duration" (list "config.listen.drainTimeout" (dig "listen" "drainTimeout" "25s" .Values.config)) }}
{{- $start := toDate "2006-01-02" "2000-01-01" }}
{{- $roundUp := "999999999ns" }}
{{- $end := $start | mustDateModify $delay | mustDateModify $timeout | mustDateModify "15s" | mustDateModify $roundUp }}
{{- sub ($end | unixEpoch) ($start | unixEpoch) }}
{{- end }}
