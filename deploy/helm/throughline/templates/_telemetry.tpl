{{/* Where spans go, and where they and the log lines are searched. Empty where there is no such place. */}}

{{- define "throughline.otlpEndpoint" -}}
{{- if .Values.otlp.endpoint -}}
{{ .Values.otlp.endpoint }}
{{- else if .Values.otelCollector.enabled -}}
http://{{ include "throughline.fullname" . }}-otel-collector:4318
{{- end -}}
{{- end -}}

{{- define "throughline.otlpHeadersEnv" -}}
{{- with .Values.otlp.headersSecret }}
- {name: OTEL_EXPORTER_OTLP_HEADERS, valueFrom: {secretKeyRef: {name: {{ . }}, key: headers}}}
{{- end }}
{{- end -}}

{{- define "throughline.elasticsearchUrl" -}}
{{- if .Values.elasticsearch.url -}}
{{ .Values.elasticsearch.url }}
{{- else if .Values.demo.enabled -}}
http://{{ include "throughline.fullname" . }}-elasticsearch:9200
{{- end -}}
{{- end -}}

{{/*
Where a journey can be seen. spans: in the demo, whole. lines: in an Elasticsearch of the user's own, which has the log lines,
and the spans if the Jaeger behind the collector stores them there. record: nowhere but in the task's own record.
*/}}
{{- define "throughline.journeySeen" -}}
{{- $spans := and .Values.demo.enabled .Values.otelCollector.enabled (not .Values.otlp.endpoint) (not .Values.otelCollector.exportTo) -}}
{{- if $spans }}spans
{{- else if and (include "throughline.elasticsearchUrl" .) (ne (toString .Values.filebeat.enabled) "false") }}lines
{{- else }}record
{{- end -}}
{{- end -}}
