"""Runs a program at a terminal of its own: terminal.py DIALOGUE PROGRAM WORDS...

DIALOGUE is JSON: a list of pairs, what to wait for and what to type then. Prints as JSON what the
terminal showed, the exit code, and whether the terminal's echo and line mode were left as they were.
"""

import fcntl, json, os, pty, select, sys, termios, time

dialogue, words = json.loads(sys.argv[1]), sys.argv[2:]
deadline = time.monotonic() + 100
controller, terminal = pty.openpty()
before = termios.tcgetattr(terminal)
process = os.fork()
if process == 0:
    os.close(controller)
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(terminal, number)
    os.execvp(words[0], words)

shown, status = b"", None
answers = [(wait.encode(), type_.encode()) for wait, type_ in dialogue]
answered = 0
while status is None or select.select([controller], [], [], 0.1)[0]:
    if time.monotonic() > deadline:
        os.kill(process, 9)
        sys.exit("no end; so far: " + shown.decode(errors="replace"))
    if select.select([controller], [], [], 0.05)[0]:
        try:
            shown += os.read(controller, 4096)
        except OSError:
            break
    if answers and answers[0][0] in shown[answered:]:
        answered += shown[answered:].index(answers[0][0]) + len(answers[0][0])
        os.write(controller, answers.pop(0)[1])
    if status is None:
        ended, code = os.waitpid(process, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if ended else None
if status is None:
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
restored = termios.tcgetattr(terminal)[:4] == before[:4]
text = shown.decode(errors="replace")
print(json.dumps({"shown": text, "code": status, "restored": restored, "unasked": len(answers)}))
