{{/* Names, labels and figures that several manifests share. */}}

{{- define "automation-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 52 characters: a StatefulSet's pods carry a hash of the revision behind its name. */}}
{{- define "automation-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "automation-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "automation-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "automation-exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "automation-exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "automation-exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "automation-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* A digest counts more than a tag; without either, the version that this chart was made for. */}}
{{- define "automation-exporter.image" -}}
{{- $image := .Values.image }}
{{- $repository := $image.repository }}
{{- with $image.registry }}{{ $repository = printf "%s/%s" . $repository }}{{ end }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{/* How often Prometheus scrapes, in seconds. */}}
{{- define "automation-exporter.scrapeSeconds" -}}
{{- $number := regexFind "^[0-9]+" .Values.scrapeInterval | int }}
{{- ternary (mul 60 $number) $number (hasSuffix "m" .Values.scrapeInterval) }}
{{- end }}

{{/* Two scrapes must fall into a hold, so that one may fail and increase() still sees the old value. */}}
{{- define "automation-exporter.zeroHold" -}}
{{- $seconds := include "automation-exporter.scrapeSeconds" . | int | mul 2 }}
{{- if gt $seconds 3600 }}
{{- fail (printf "scrapeInterval: %s is too long, at most 30m: new values are held for two scrapes, and for an hour at most" .Values.scrapeInterval) }}
{{- end }}
{{- printf "%ds" $seconds }}
{{- end }}

{{/* Whether the chart writes the configuration itself. */}}
{{- define "automation-exporter.ownConfig" -}}
{{- if not (or .Values.demo.enabled .Values.existingConfig.configMap .Values.existingConfig.secret) }}true{{ end }}
{{- end }}

{{- define "automation-exporter.config" -}}
{{- $derived := dict "defaults" (dict "zero_hold" (include "automation-exporter.zeroHold" .)) }}
{{- mergeOverwrite $derived (deepCopy .Values.config) | toYaml }}
{{- end }}

{{- define "automation-exporter.scrapeLabels" -}}
{{ include "automation-exporter.labels" .root }}
{{- with .labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* A probe. With TLS or users only the health address answers a node, which has neither certificate nor password. */}}
{{- define "automation-exporter.probe" -}}
{{- $probe := deepCopy .probe }}
{{- if and .root.Values.web.config.secret (eq "metrics" (toString (dig "httpGet" "port" "" $probe))) }}
{{- $_ := set $probe.httpGet "port" "health" }}
{{- end }}
{{- toYaml $probe }}
{{- end }}
