#!/bin/sh
# docs/configuration.md from the daemon's own table of keys.
#   packaging/config-doc.sh build/smsbridged > docs/configuration.md
set -eu
cat <<'END'
# The configuration

Made by `packaging/config-doc.sh` from `smsbridged --help-config`: change the table in `src/config_keys.c`, not this file.

One INI file, `/etc/smsbridge/smsbridged.conf` unless `-c` says otherwise; without one every key has its default. An unknown section or key,
a value out of bounds or a file that cannot be read is an error with file and line, and nothing starts; `smsbridged --check` reads it and
ends. Durations: `500ms 30s 5m 2h 90d`. Lists: commas. `;` begins a comment, behind a value too. `make install` puts a file with every key, all
of them comments, where none is.

A key marked **no effect yet** is read and checked, and does nothing in this version; the daemon warns when it is set.

SIGHUP reads the file again and applies `daemon.log_level`, `daemon.keep`, `queue.uncertain`, `queue.uncertain_after` and
`inbox.partial_after`; everything else takes a restart.

`state_dir` holds `smsbridge.db` (with `-wal`, `-shm` and `.lock`), and where no token or secret is configured `token`, `webhook_secret` and
`webhook_secret.NAME`, all mode 0600; it is made where it is missing, its parent has to be there. Its default is what systemd's
`StateDirectory=` says (`$STATE_DIRECTORY`), else `./smsbridge-data`.
END
"$1" --help-config | awk '
function cell(s) { gsub(/\|/, "\\|", s); return s }
/^#?\[/ { name = $0; sub(/^#/, "", name)
    printf "\n## %s\n| key | default | values | meaning |\n|---|---|---|---|\n", name; help = ""; next }
/^# \(/ && name { bounds = $0; later = sub(/ without effect in this version$/, "", bounds)
    sub(/^# \(/, "", bounds); sub(/\)$/, "", bounds); next }
/^# / && name { help = substr($0, 3); next }
/^#[a-z_]+ =/ && name { key = $1; sub(/^#/, "", key); value = $0; sub(/^#[a-z_]+ = ?/, "", value)
    printf "| `%s` | %s | %s | %s%s |\n", key, value == "" ? "" : "`" cell(value) "`", cell(bounds), cell(help),
        later ? " **(no effect yet)**" : "" }'
