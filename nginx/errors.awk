# Turns what NGINX says of itself on its standard error into log lines. Of a request it says the whole request line with
# its query, the referrer and the Host, and quotes headers and paths: none of that may be written. The variable `node` is
# NGINX's name, `version_file` the file with the version of its configuration.
BEGIN {
  ORS = ""
  levels["emerg"] = levels["alert"] = levels["crit"] = "critical"
  levels["error"] = "error"
  levels["warn"] = "warning"
  levels["notice"] = "notice"
  levels["info"] = "info"
}

/^[0-9][0-9][0-9][0-9]\/[0-9][0-9]\/[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9] \[[a-z]+\] [0-9]+#[0-9]+: / {
  gsub(/\//, "-", $1)
  tell($1 "T" $2 ".000Z", substr($3, 2, length($3) - 2), $4 + 0, after(4))
  next
}

# While it reads its configuration, before it has a log.
/^nginx: \[[a-z]+\] / {
  tell(now(), substr($2, 2, length($2) - 2), 0, after(2))
  next
}

{ tell(now(), "warn", 0, "NGINX wrote something that is no line of its log; it is left out") }

# The line without its first words, each of which is followed by one blank.
function after(words,    rest) {
  rest = $0
  while (words-- > 0) rest = substr(rest, index(rest, " ") + 1)
  return rest
}

function tell(at, level, pid, text,    upstream, version) {
  if (text ~ /^\*[0-9]+ / || index(text, ", client: ")) {
    if (match(text, /, upstream: "http:\/\/[0-9.]+:[0-9]+/))
      upstream = ",\"upstream.address\":\"" substr(text, RSTART + 20, RLENGTH - 20) "\""
    text = of_the_server(text)
  }
  getline version <version_file
  close(version_file)
  gsub(/[^ -~]/, "?", text)
  gsub(/["\\]/, "\\\\&", text)
  # In one piece, as other processes write to the same place. (With -W interactive, mawk writes each part of a printf.)
  print "{\"@timestamp\":\"" at "\",\"log.level\":\"" (level in levels ? levels[level] : "info") "\",\"message\":\"" text \
        "\",\"service.name\":\"nginx\",\"service.node.name\":\"" node "\",\"service.version\":\"" version "\"" \
        (pid ? ",\"process.pid\":" pid : "") upstream "}\n"
  fflush()
}

# What comes before the client's address and before anything quoted; of what failed behind a quotation, the number.
function of_the_server(text,    cut, reason) {
  sub(/^\*[0-9]+ /, "", text)
  if (cut = index(text, ", client: ")) text = substr(text, 1, cut - 1)
  if (!(cut = index(text, "\""))) return text
  if (match(substr(text, cut), /" failed \([0-9][0-9]?[0-9]?: /))
    reason = " failed (" (substr(text, cut + RSTART + 9) + 0) ")"
  return substr(text, 1, cut - 1) "(left out)" reason
}

function now(    moment) {
  "date -u +%Y-%m-%dT%H:%M:%S.000Z" | getline moment
  close("date -u +%Y-%m-%dT%H:%M:%S.000Z")
  return moment
}
