"""What every executor promises, run over every one that works here. Most of the scripts mean no good."""

from __future__ import annotations

import fcntl
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from treewright.errors import ConfigError, ExecutorError
from treewright.execution import LocalExecutor, find_sandbox, local, sandbox
from treewright.protocols import Job
from treewright.tree import OUTPUT_CHARS

PYTHON = Path(sys.executable)
HOLD = """
import fcntl, os, time
def hold(name="held"):
    lock = open("working/" + name, "w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    return lock
def forever():
    while True: time.sleep(60)
def await_(name):
    while not os.path.exists("working/" + name): time.sleep(0.001)
"""
DAEMON = (
    HOLD
    + """
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        lock = hold()
        os.rename("working/held", "working/ready")
        forever()
    os._exit(0)
await_("ready")
"""
)


@pytest.fixture(params=["bwrap", "none"])
def executor(request):
    try:
        return LocalExecutor(find_sandbox(request.param, PYTHON), PYTHON)
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.fixture
def job(tmp_path):
    """Makes jobs; a later one of the same name finds the folder as the earlier one left it."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "train.csv").write_text("x,y\n1,2\n")

    def make(code, name="node", *, seconds=60.0, **more):
        workdir = tmp_path / name
        workdir.mkdir(exist_ok=True)
        return Job(code, workdir, more.pop("input", data), seconds, **more)

    return make


def open_files():
    return sorted(path.name for path in Path("/proc/self/fd").iterdir())


def released(file):
    """Whether no process holds the file any more."""
    with file.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def wait_for(file, seconds=30):
    until = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < until, f"{file.name} did not appear"
        time.sleep(0.001)


# A script that means well

COPY = """
import shutil
if __name__ == "__main__":
    shutil.copy("./input/train.csv", "./working/submission.csv")
    print("copied")
"""


def test_a_script_reads_its_input_and_leaves_its_files(executor, job):
    task = job(COPY)
    execution = executor.run(task)
    assert (execution.failure, execution.exit_code, execution.exception) == (None, 0, None)
    assert execution.output == "copied\n"
    assert 0 < execution.seconds < 30
    assert (task.workdir / "working/submission.csv").read_text() == "x,y\n1,2\n"
    assert (task.workdir / "solution.py").read_text() == task.code
    assert (task.workdir / "output.log").read_text() == "copied\n"
    assert not (task.workdir / "input").exists()


def test_a_script_starts_with_an_empty_working_folder_even_where_another_ran_before(executor, job):
    executor.run(job("import os; os.mkdir('working/d'); open('working/submission.csv', 'w')"))
    execution = executor.run(job("import os; print(os.listdir('working'))"))
    assert execution.output == "[]\n"


def test_the_environment_is_an_allow_list(executor, job, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    execution = executor.run(job("import os, json; print(json.dumps(dict(os.environ)))", cpus=3))
    assert "secret" not in execution.output
    for expected in ('"OMP_NUM_THREADS": "3"', '"LOKY_MAX_CPU_COUNT": "3"', '"CUDA_VISIBLE_DEVICES": "1"'):
        assert expected in execution.output


def test_home_is_the_scripts_own_folder(executor, job):
    execution = executor.run(job("import os; print(os.path.samefile(os.path.expanduser('~'), '.'))"))
    assert execution.output == "True\n"


def test_several_scripts_at_once_keep_apart(executor, job):
    code = "import time; open('working/mine', 'w').write('{0}'); time.sleep(0.1); print(open('working/mine').read())"
    with ThreadPoolExecutor(4) as pool:
        executions = list(pool.map(executor.run, [job(code.format(i), f"node{i}") for i in range(8)]))
    assert [execution.output for execution in executions] == [f"{i}\n" for i in range(8)]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_nothing_is_left_open_after_a_run(executor, job):
    executor.run(job("pass"))
    before = open_files()
    executor.run(job("pass"))
    executor.run(job("while True: pass", seconds=0.2))
    with suppress(ExecutorError):
        replace(executor, pauses=()).run(job("pass", input=Path("/nowhere")))
    assert open_files() == before


# Scripts that end badly


@pytest.mark.parametrize(
    ("code", "exit_code", "told"),
    [
        ("raise ValueError('no such column')", 1, ("raised ValueError: no such column", "ValueError: no such column")),
        ("x = = 1", 1, ("raised SyntaxError: invalid syntax", "SyntaxError: invalid syntax")),
        ("import sys; sys.exit(3)", 3, ("exited with status 3", None)),
        ("import sys; sys.exit('text')", 1, ("exited with status 1", None)),
        ("import os; os._exit(7)", 7, ("exited with status 7", None)),
        ("import os; os.abort()", -6, ("was aborted from within (SIGABRT)", None)),
        ("import os; os.kill(os.getpid(), 15)", -15, ("was ended by signal 15 (Terminated)", None)),
        ("import ctypes; ctypes.string_at(0)", -11, ("crashed with a segmentation fault", None)),
        ("raise SystemExit", 0, (None, None)),
        ("import traceback\ntry: 1 / 0\nexcept Exception: traceback.print_exc()", 0, (None, None)),
    ],
)
def test_the_end_is_told_in_plain_words(executor, job, code, exit_code, told):
    execution = executor.run(job(code))
    assert (execution.exit_code, execution.failure, execution.exception) == (exit_code, *told)


def test_a_segmentation_fault_says_where(executor, job):
    execution = executor.run(job("import ctypes\n\nctypes.string_at(0)"))
    assert "line 3" in execution.output


@pytest.mark.parametrize("code", ["print('\ud83d')", "x = '\0'"], ids=["a lone surrogate", "a null character"])
def test_a_program_that_cannot_be_text_fails_as_any_other(executor, job, code):
    assert executor.run(job(code)).failure.startswith("raised SyntaxError")


def test_a_script_that_reads_stdin_sees_the_end_of_file(executor, job):
    assert executor.run(job("input()")).exception == "EOFError: EOF when reading a line"


def test_what_cannot_be_started_is_no_fault_of_the_script(executor, job):
    with pytest.raises(ExecutorError, match=r"could not be started: .*/nowhere"):
        replace(executor, pauses=(0.0,)).run(job("pass", input=Path("/nowhere")))


def test_what_can_be_started_only_at_the_second_attempt_is_started(executor, job, monkeypatch):
    task = job("print('here')")
    hidden = task.input.with_name("hidden")
    task.input.rename(hidden)
    monkeypatch.setattr(local.time, "sleep", lambda _: hidden.rename(task.input))
    assert executor.run(task).output == "here\n"


def test_a_file_over_the_limit_is_refused(executor, job, monkeypatch):
    monkeypatch.setattr(sandbox, "FILE_BYTES", 2**20)
    execution = executor.run(job("open('working/big', 'wb').write(bytes(2**21))"))
    assert execution.failure == "raised OSError: [Errno 27] File too large"


# Limits


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import signal\nfor s in (1, 2, 3, 13, 14, 15): signal.signal(s, signal.SIG_IGN)\nwhile True: pass",
        "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "import threading; threading.Event().wait()",
        "while True: print('again')",
    ],
    ids=["busy", "ignores signals", "stops itself", "sleeps", "prints"],
)
def test_a_script_ends_at_its_time_limit(executor, job, code):
    execution = executor.run(job(code, seconds=0.5))
    assert execution.failure == "ran past its limit of 0.5 s"
    assert 0.5 <= execution.seconds < 10


def test_a_daemon_ends_at_the_time_limit(executor, job):
    task = job(DAEMON + "forever()", seconds=2)
    assert executor.run(task).failure == "ran past its limit of 2 s"
    assert released(task.workdir / "working/ready")


def test_a_daemon_ends_with_the_script_and_does_not_keep_us_waiting(executor, job):
    task = job(DAEMON)
    execution = executor.run(task)
    assert execution.failure is None
    assert execution.seconds < 30
    assert released(task.workdir / "working/ready")


def test_a_flock_of_processes_in_their_own_sessions_ends_at_the_time_limit(executor, job):
    task = job(HOLD + "for _ in range(6): os.fork() or os.setsid()\nlock = hold()\nforever()", seconds=2)
    assert executor.run(task).failure == "ran past its limit of 2 s"
    assert released(task.workdir / "working/held")


def test_a_run_can_be_cancelled(executor, job):
    task = job(DAEMON + "open('working/go', 'w')\nforever()", cancel=threading.Event())
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(executor.run, task)
        wait_for(task.workdir / "working/go")
        task.cancel.set()
        execution = future.result()
    assert execution.failure == "was cancelled"
    assert released(task.workdir / "working/ready")


def test_memory_over_the_limit_ends_the_script(executor, job):
    execution = executor.run(job(HOLD + "x = bytearray(2 * 10**8)\nforever()", memory_mb=100))
    assert execution.failure == "killed: used more than 100 MB"


def test_the_memory_of_children_counts(executor, job):
    code = HOLD + "for _ in range(3): x = os.fork() or bytearray(6 * 10**7)\nforever()"
    assert executor.run(job(code, memory_mb=100)).failure == "killed: used more than 100 MB"


def test_a_script_within_its_memory_is_left_alone(executor, job):
    execution = executor.run(job("x = bytearray(5 * 10**7); import time; time.sleep(0.2)", memory_mb=200))
    assert execution.failure is None


# Output


def test_a_long_output_keeps_its_head_and_tail(executor, job):
    task = job("print('head')\nfor i in range(200_000): print(i)\nprint('tail')")
    executor = LocalExecutor(executor.sandbox, PYTHON, log_bytes=100_000)
    execution = executor.run(task)
    log = (task.workdir / "output.log").read_bytes()
    assert 99_000 < len(log) <= 100_000
    for text in (log.decode(), execution.output):
        assert text.startswith("head\n0\n1\n")
        assert text.endswith("199999\ntail\n")
    assert len(execution.output) <= OUTPUT_CHARS
    assert " characters left out …" in execution.output


def test_endless_output_without_a_line_end_stays_under_the_cap(executor, job):
    task = job("import os\nwhile True: os.write(1, b'x' * 2**16)", seconds=0.5)
    execution = LocalExecutor(executor.sandbox, PYTHON, log_bytes=100_000).run(task)
    assert execution.failure == "ran past its limit of 0.5 s"
    assert (task.workdir / "output.log").stat().st_size <= 100_000
    assert len(execution.output) <= OUTPUT_CHARS


def test_what_was_printed_last_before_a_crash_is_kept(executor, job):
    execution = executor.run(job("import os\nprint('x' * 300_000)\nprint('metric: 0.5', end='')\nos._exit(1)"))
    assert execution.output.endswith("metric: 0.5")


def test_bytes_that_are_no_text_do_no_harm(executor, job):
    task = job(r"import os; os.write(1, b'a\xff\xfe\0\x1b[31mb\x1b[0m\x07c\n')")
    assert executor.run(task).output == "a\ufffd\ufffdbc\n"
    assert (task.workdir / "output.log").read_bytes() == b"a\xff\xfe\0\x1b[31mb\x1b[0m\x07c\n"


def test_a_script_that_closes_its_output_is_still_waited_for(executor, job):
    task = job("import os, time\nos.close(1); os.close(2)\ntime.sleep(0.2)\nopen('working/done', 'w')\nos._exit(0)")
    assert executor.run(task).failure is None
    assert (task.workdir / "working/done").exists()


# Damage


DELETE = """
import os, shutil
assert os.path.exists("solution.py")
for top in ("input", "working", "."):
    shutil.rmtree(top, ignore_errors=True)
"""
OVERWRITE = """
import contextlib
for name in ("input/train.csv", "solution.py"):
    with contextlib.suppress(OSError): open(name, "w").write("gone")
"""


@pytest.mark.parametrize("code", [DELETE, OVERWRITE], ids=["delete", "overwrite"])
def test_a_script_cannot_damage_the_input_for_others(executor, job, code):
    executor.run(job(code))
    execution = executor.run(job("print(open('input/train.csv').read())", "other"))
    assert execution.output == "x,y\n1,2\n\n"


@pytest.mark.parametrize(
    "code",
    [
        DELETE,
        OVERWRITE,
        "import os; os.makedirs('working/a/b'); os.chmod('working/a', 0); os.chmod('working', 0)",
        r"open('working/\n\x1b[31m \udcff', 'w')",
        "import os; os.symlink('/etc', 'working/etc'); os.symlink('/dev/zero', 'working/submission.csv')",
        "import os; os.mkfifo('working/submission.csv')",
    ],
    ids=["delete", "overwrite", "lock up", "odd names", "links", "a pipe"],
)
def test_the_next_run_in_the_same_folder_is_not_impressed(executor, job, code):
    executor.run(job(code))
    execution = executor.run(job("import os; print(os.listdir('working'))"))
    assert execution.output == "[]\n"


def test_links_that_a_script_left_are_not_written_through(executor, job, tmp_path):
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("gold")
    task = job("open('working/gold', 'w').write('lead'); print('lead')")
    (task.workdir / "working").symlink_to(treasure)
    for name in ("solution.py", "output.log"):
        (task.workdir / name).symlink_to(treasure / "gold")
    assert executor.run(task).output == "lead\n"
    assert (treasure / "gold").read_text() == "gold"
