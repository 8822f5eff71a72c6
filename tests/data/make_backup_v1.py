#!/usr/bin/env python3
"""Makes tests/data/backup-v1 anew: make_backup_v1.py PATH-OF-SEKISHO. See README.md before you do.

Needs the Debian package faketime.
"""

import glob, os, shutil, subprocess, sys

MADE_AT = "@2026-11-22 12:00:00"

sekisho = os.path.abspath(sys.argv[1])
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "backup-v1")
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
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
}


def write(name, text):
    with open(os.open(name, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(text)


def run(*words):
    words = [sekisho, *words, "--dir", "made", "--passphrase-file", "passphrase"]
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL)


write("passphrase", "correct horse battery")
write("backup-passphrase", "of the backup alone")
run("init")
run("issue", "client", "user1", "--escrow", "--person", "山田 花子")
run("issue", "client", "lost")
run("anchor", "export", "--to", "anchor.txt")
run("backup", "--to", "ca.backup", "--backup-passphrase-file", "backup-passphrase")
# What the backup does not know: a revocation, and one of a certificate that was issued later.
run("issue", "client", "later")
run("revoke", "lost", "--reason", "keyCompromise")
run("revoke", "later")
shutil.move("made/ca.crl", "newest.crl")
shutil.rmtree("made")
for name in glob.glob("*.p12"):
    os.remove(name)
for name in os.listdir("."):
    os.chmod(name, 0o644)
