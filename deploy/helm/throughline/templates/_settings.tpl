{{/* Environment variables of docs/settings.md. files/settings.json says which part reads which. */}}

{{/*
The settings that a part reads, as entries of `env`: those of its own `settings`, before those for every process, before
those that the chart gives. dict "root" $ "part" "api" "given" (dict "ENVIRONMENT" "staging")
*/}}
{{- define "throughline.settings" -}}
{{- $read := get (.root.Files.Get "files/settings.json" | fromJson).readers .part -}}
{{- $values := get .root.Values .part | default dict -}}
{{- $all := merge (dict) (get $values "settings" | default dict) .root.Values.settings (.given | default dict) -}}
{{- range $name, $value := $all }}
{{- if has $name $read }}
- {name: {{ $name }}, value: {{ include "throughline.plainNumber" $value | quote }}}
{{- end }}
{{- end }}
{{- end -}}

{{/* A value as text. Helm's own way would be 1e+06 for 1000000. */}}
{{- define "throughline.plainNumber" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) -}}
{{ int64 . }}
{{- else -}}
{{ toString . }}
{{- end -}}
{{- end -}}
