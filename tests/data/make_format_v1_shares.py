#!/usr/bin/env python3
"""Makes tests/data/format-v1-shares anew: make_format_v1_shares.py PATH-OF-SEKISHO. See README.md
before you do.

Needs the Debian package faketime.
"""

import glob, os, pty, re, shutil, subprocess, sys

PASSPHRASE = "correct horse battery"
MADE_AT = "@2026-11-22 12:00:00"

sekisho = os.path.abspath(sys.argv[1])
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "format-v1-shares")
shutil.rmtree(folder, ignore_errors=True)
os.makedirs(folder)
os.chdir(folder)
environment = {
    "PATH": os.environ["PATH"],
    "HOME": folder,
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "LD_PRELOAD": glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0],
    "FAKETIME": MADE_AT,
}
secret = ["--dir", "data", "--passphrase-file", "passphrase"]


def write(name, text):
    with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text)


def make_shares_at_a_terminal():
    """Only there they are shown."""
    process, terminal = pty.fork()
    if process == 0:
        words = [sekisho, "vault", "shares", "create", "--threshold", "2", "--count", "3", *secret]
        os.execve(sekisho, words, environment)
    shown, copied = b"", 0
    try:
        while more := os.read(terminal, 4096):
            shown += more
            if shown.count(b"gone from the screen: ") > copied:
                copied += 1
                os.write(terminal, b"\r")
    except OSError:
        pass
    assert os.waitpid(process, 0)[1] == 0, shown
    found = re.finditer(rb"([0-9A-Z]{4}-){11}[0-9A-Z]{4}", shown)
    return "".join(share.group().decode() + "\n" for share in found)


write("passphrase", PASSPHRASE)
subprocess.run([sekisho, "init", *secret], env=environment, capture_output=True, check=True)
write("shares", make_shares_at_a_terminal())
for path, _, names in os.walk("."):
    for name in names:
        os.chmod(os.path.join(path, name), 0o644)
