{{- /* The clients of the table and of the list, as {"clients": […]} in JSON. */ -}}
{{- define "bannette-channels.clients" -}}
{{- $columns := list "name" "email" "displayName" "user" "locale" "binder" "folder" "time" "timeZone" "suspend" -}}
{{- /* What the API server refuses would leave a release half upgraded. */ -}}
{{- $rules := dict
  "name" (list "^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$" "at most 42 lower-case letters, digits and \"-\"")
  "email" (list "^[^@\\s<>(),;:\"]+@[^@\\s<>(),;:\"]+\\.[^@\\s<>(),;:\"]+$" "one e-mail address and nothing else")
  "time" (list "^([01][0-9]|2[0-3]):[0-5][0-9]$" "hours and minutes in 24-hour form, for example 05:30")
  "locale" (list "^(fr|en)$" "fr or en")
-}}
{{- $clients := list -}}
{{- $header := list -}}
{{- $number := 0 -}}
{{- range $line := splitList "\n" (.Values.table | replace "\r" "" | trimPrefix "\ufeff") -}}
{{- $number = add1 $number -}}
{{- if trim $line -}}
{{- if contains "\"" $line -}}
{{- fail (printf "table, line %d: write cells without quotation marks, and choose a separator that no cell has (separator)" $number) -}}
{{- end -}}
{{- $cells := list -}}
{{- range splitList $.Values.separator $line -}}{{- $cells = append $cells (trim .) -}}{{- end -}}
{{- if not $header -}}
{{- $header = $cells -}}
{{- if ne (len (uniq $header)) (len $header) -}}
{{- fail (printf "table: a column is there twice: %s" (join ", " $header)) -}}
{{- end -}}
{{- range $header -}}
{{- if not (has . $columns) -}}
{{- fail (printf "table: there is no column %q; the columns are %s, and between them is %q" . (join ", " $columns) $.Values.separator) -}}
{{- end -}}
{{- end -}}
{{- else -}}
{{- if ne (len $cells) (len $header) -}}
{{- fail (printf "table, line %d: %d cells where the first line has %d columns" $number (len $cells) (len $header)) -}}
{{- end -}}
{{- $client := dict -}}
{{- range $at, $cell := $cells -}}{{- if $cell -}}{{- $_ := set $client (index $header $at) $cell -}}{{- end -}}{{- end -}}
{{- if hasKey $client "suspend" -}}
{{- if not (has (lower $client.suspend) (list "true" "false")) -}}
{{- fail (printf "table, line %d: suspend is true or false, not %q" $number $client.suspend) -}}
{{- end -}}
{{- $_ := set $client "suspend" (eq (lower $client.suspend) "true") -}}
{{- end -}}
{{- range list "name" "email" -}}
{{- if not (hasKey $client .) -}}{{- fail (printf "table, line %d: no %s" $number .) -}}{{- end -}}
{{- end -}}
{{- range $column, $rule := $rules -}}
{{- if and (hasKey $client $column) (not (regexMatch (index $rule 0) (get $client $column))) -}}
{{- fail (printf "table, line %d: %s %q: %s" $number $column (get $client $column) (index $rule 1)) -}}
{{- end -}}
{{- end -}}
{{- $clients = append $clients $client -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $clients = concat $clients .Values.clients -}}
{{- if not (or $clients .Values.allowNone) -}}
{{- fail "there is no client: give the table again (--set-file table=clients.csv). An upgrade without it would delete every channel, and with it the owners' sign-ins; allowNone=true does that" -}}
{{- end -}}
{{- $names := dict -}}
{{- range $clients -}}
{{- if hasKey $names .name -}}{{- fail (printf "two clients are named %q" .name) -}}{{- end -}}
{{- $_ := set $names .name true -}}
{{- end -}}
{{- dict "clients" $clients | toJson -}}
{{- end -}}
