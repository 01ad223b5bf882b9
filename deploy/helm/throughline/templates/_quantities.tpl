{{/* Kubernetes' quantities, such as 256Mi and 250m, as numbers. */}}

{{- define "throughline.quantity" -}}
{{- $text := toString . -}}
{{- $factors := dict "m" 0.001 "k" 1000 "Ki" 1024 "M" 1000000 "Mi" 1048576 "G" 1000000000 "Gi" 1073741824 "T" 1000000000000 "Ti" 1099511627776 -}}
{{- mulf (regexFind "^[0-9.]+" $text | float64) (get $factors (regexFind "[a-zA-Z]+$" $text) | default 1) -}}
{{- end -}}
