#!/usr/bin/env python3
"""Makes tests/data/format-v1 anew: make_format_v1.py PATH-OF-SEKISHO. See README.md before you do.

Needs the Debian packages faketime, openssl and strace.
"""

import glob, json, os, pty, re, shutil, subprocess, sys

PASSPHRASE = "correct horse battery"
MADE_AT = "@2026-11-22 12:00:00"

sekisho = os.path.abspath(sys.argv[1])
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "format-v1")
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


def write(name, text):
    with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text)


def run(*words, may_fail=False):
    words = [*words, "--dir", "data", "--passphrase-file", "passphrase"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert may_fail or done.returncode == 0, done
    return done.stdout


def change_passphrase_at_a_terminal():
    """Only there a recovery code is shown."""
    process, terminal = pty.fork()
    if process == 0:
        words = [sekisho, "vault", "passwd", "--dir", "data", "--new-key-file", "key-file"]
        os.execve(sekisho, [*words, "--passphrase-file", "passphrase"], environment)
    shown = b""
    for question in [b"New passphrase", b"once more"]:
        while question not in shown:
            shown += os.read(terminal, 4096)
        os.write(terminal, PASSPHRASE.encode() + b"\r")
    try:
        while more := os.read(terminal, 4096):
            shown += more
    except OSError:
        pass
    assert os.waitpid(process, 0)[1] == 0, shown
    return re.search(rb"([0-9A-Z]{4}-){7}[0-9A-Z]{4}", shown).group().decode()


write("passphrase", PASSPHRASE)
run(sekisho, "init")
run(sekisho, "issue", "server", "localhost", "192.168.1.100")  # 2
issued = json.loads(run(sekisho, "issue", "client", "user1", "--escrow", "--person", "山田 花子",
                        "--device", "受付1", "--json", "--pem"))["issued"][0]  # 3
run(sekisho, "issue", "client", "lost")  # 4
run(sekisho, "revoke", "lost", "--reason", "keyCompromise", "--since", "2026-11-20T00:00:00Z")
# 5: killed between the record of its intent and the record of its signature. The place of the call
# is found by trying: the first that leaves something to repair.
for place in range(1, 30):
    run("strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync", "-e",
        f"inject=fdatasync:signal=KILL:when={place}", sekisho, "issue", "client", "interrupted",
        may_fail=True)
    listed = json.loads(run(sekisho, "list", "--all", "--json"))["certificates"]
    if any(c["state"] == "abandoned" for c in listed):
        break
write("recovery-code", change_passphrase_at_a_terminal())
public = subprocess.run(["openssl", "x509", "-in", issued["certificate_file"], "-noout", "-pubkey"],
                        capture_output=True, check=True, text=True).stdout
write("user1.public.pem", public)
write("list.json", run(sekisho, "list", "--all", "--json"))
for name in glob.glob("*.p12") + glob.glob("*.crt") + glob.glob("0*.pem"):
    os.remove(name)
for path, _, names in os.walk("."):
    for name in names:
        os.chmod(os.path.join(path, name), 0o644)
