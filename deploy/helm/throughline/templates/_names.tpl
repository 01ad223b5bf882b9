{{/* What everything is called, and the labels by which it is found. `root` is the chart's context, `part` is nginx, api, … */}}

{{- define "throughline.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "throughline.fullname" -}}
{{- $name := include "throughline.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Never changes: a Deployment's selector cannot. dict "root" $ "part" "api" */}}
{{- define "throughline.selector" -}}
app.kubernetes.io/name: {{ include "throughline.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{- define "throughline.labels" -}}
{{ include "throughline.selector" . }}
app.kubernetes.io/part-of: throughline
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "throughline.tag" -}}
{{- default .Chart.AppVersion .Values.image.tag -}}
{{- end -}}

{{/* dict "root" $ "part" "api", and "tag" where it is another one */}}
{{- define "throughline.image" -}}
{{- $image := .root.Values.image -}}
{{- $own := get (get .root.Values .part | default dict) "image" -}}
{{- if $own -}}
{{ with .tag }}{{ regexReplaceAll ":[^:/]+$" $own "" }}:{{ . }}{{ else }}{{ $own }}{{ end }}
{{- else -}}
{{ with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}/{{ .part }}:{{ .tag | default (include "throughline.tag" .root) }}
{{- end -}}
{{- end -}}

{{/* A Service's name in full. The dot at its end spares the name server a question for each search domain. dict "root" $ "name" "…-api" */}}
{{- define "throughline.host" -}}
{{ .name }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}.
{{- end -}}
