{{/* An Elasticsearch of the user's: somebody must declare users and templates in it, and the passwords must be those. */}}

{{- define "throughline.validation.elasticsearch" -}}
{{- $values := .Values.elasticsearch -}}
{{- if and $values.url $values.setup (not $values.adminSecret) -}}
{{- fail "elasticsearch.url is yours, and its users and templates must be declared: set elasticsearch.adminSecret, or elasticsearch.setup to false where an administrator has done so." -}}
{{- end -}}
{{- if and $values.url (not $values.setup) (not .Values.existingSecret) -}}
{{- fail "elasticsearch.setup is false, so its users have passwords already: existingSecret must name the Secret with filebeat-password and reader-password." -}}
{{- end -}}
{{- if and $values.kibanaUrl (not $values.adminSecret) -}}
{{- fail "elasticsearch.kibanaUrl is yours: elasticsearch.adminSecret must name a user who may import dashboards into it." -}}
{{- end -}}
{{- end -}}
