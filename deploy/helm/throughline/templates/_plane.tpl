{{/* Which parts of the plane the chart makes, and how programs reach and trust Elasticsearch. */}}

{{/* Whether the chart makes a collector: "true" or nothing. */}}
{{- define "throughline.ownCollector" -}}
{{- if and .Values.otelCollector.enabled (not .Values.otlp.endpoint) }}true{{ end -}}
{{- end -}}

{{/* Whether the chart makes a part of the demo. An address of the user's takes its place. dict "root" $ "part" "jaeger" */}}
{{- define "throughline.ownDemo" -}}
{{- $values := .root.Values -}}
{{- $given := dict "elasticsearch" $values.elasticsearch.url "kibana" $values.elasticsearch.kibanaUrl "jaeger" $values.otelCollector.exportTo -}}
{{- $wanted := and $values.demo.enabled (not (get $given .part)) -}}
{{- if eq .part "kibana" -}}
{{- $wanted = and $wanted $values.demo.kibana.enabled (not $values.elasticsearch.url) -}}
{{- else if eq .part "jaeger" -}}
{{- $wanted = and $wanted (not $values.otlp.endpoint) -}}
{{- end -}}
{{- if $wanted }}true{{ end -}}
{{- end -}}

{{- define "throughline.kibanaUrl" -}}
{{- if .Values.elasticsearch.kibanaUrl -}}
{{ .Values.elasticsearch.kibanaUrl }}
{{- else if include "throughline.ownDemo" (dict "root" . "part" "kibana") -}}
http://{{ include "throughline.fullname" . }}-kibana:5601
{{- end -}}
{{- end -}}

{{/* The certificate authority of the user's Elasticsearch: a volume, its mount, and where a program finds it. */}}
{{- define "throughline.caVolume" -}}
{{- if .Values.elasticsearch.ca }}
- name: elasticsearch-ca
  configMap: {name: {{ include "throughline.fullname" . }}-elasticsearch-ca}
{{- end }}
{{- end -}}

{{- define "throughline.caMount" -}}
{{- if .Values.elasticsearch.ca }}
- {name: elasticsearch-ca, mountPath: /etc/elasticsearch-ca, readOnly: true}
{{- end }}
{{- end -}}

{{/* Elasticsearch as entries of `env`, for a process of ours that reads. */}}
{{- define "throughline.readerEnv" -}}
{{- with include "throughline.elasticsearchUrl" . }}
- {name: ELASTICSEARCH_URL, value: {{ . | quote }}}
- {name: ELASTICSEARCH_USER, value: {{ $.Values.elasticsearch.users.reader }}}
{{ include "throughline.passwordEnv" (dict "root" $ "name" "ELASTICSEARCH_PASSWORD" "key" "reader-password") }}
{{- include "throughline.caEnv" $ }}
{{- end }}
{{- end -}}

{{/* A user who may declare users and templates and import dashboards: the demo's own, or the user's. */}}
{{- define "throughline.adminEnv" -}}
{{- if include "throughline.ownDemo" (dict "root" . "part" "elasticsearch") -}}
- {name: ELASTICSEARCH_USER, value: elastic}
{{ include "throughline.passwordEnv" (dict "root" . "name" "ELASTICSEARCH_PASSWORD" "key" "elastic-password") }}
{{- else -}}
{{- range $variable, $key := dict "ELASTICSEARCH_USER" "username" "ELASTICSEARCH_PASSWORD" "password" }}
- name: {{ $variable }}
  valueFrom: {secretKeyRef: {name: {{ $.Values.elasticsearch.adminSecret }}, key: {{ $key }}}}
{{- end }}
{{- end -}}
{{- include "throughline.caEnv" . }}
{{- end -}}

{{- define "throughline.caEnv" -}}
{{- if .Values.elasticsearch.ca }}
- {name: ELASTICSEARCH_CA_FILE, value: /etc/elasticsearch-ca/ca.crt}
{{- end }}
{{- end -}}

{{/* Whether Filebeat ships the log lines: "true" or nothing. */}}
{{- define "throughline.ships" -}}
{{- $enabled := toString .Values.filebeat.enabled -}}
{{- if or (eq $enabled "true") (and (eq $enabled "auto") (include "throughline.elasticsearchUrl" .)) }}true{{ end -}}
{{- end -}}

{{- define "throughline.filebeatNamespace" -}}
{{- default (printf "%s-filebeat" .Release.Namespace) .Values.filebeat.namespace.name | trunc 63 -}}
{{- end -}}
