"""The log of an execution makes its records again, bit for bit, whenever the coordinator was killed."""
import re, subprocess

from world import BIN, HOLD, TRACE, app, generator, pause, until


def replay(w, *args, status=0):
    done = subprocess.run([BIN / "coordinator/meridian-coordinator", "replay", "--config", w.config, *args], cwd=w.folder,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout if status == 0 else done.stderr


def turns(text):
    return int(re.search(r"(\d+) turns, .* bit for bit", text)[1])


def test_what_cannot_be_replayed_is_told(one):
    one.apply(one.pipeline())
    _, view = one.deploy(app("one"))
    execution = view["pipelineExecutionId"]
    assert "usage:" in replay(one, status=2)
    assert "usage:" in replay(one, execution, execution, status=2)
    assert "no log of execution 'nobody' is kept" in replay(one, "nobody", status=1)
    assert "--until 'x'" in replay(one, execution, "--until", "x", status=2)
    assert "--at 'now'" in replay(one, execution, "--at", "now", status=2)
    assert "had not begun then" in replay(one, execution, "--at", "2020-01-01T00:00:00Z", status=1)


def test_a_log_is_the_state_at_any_moment_and_through_kills(three):
    three.apply(three.pipeline())
    rng = generator()
    execution = three.execution_of(three.push(app("one", hook_text=TRACE + "sleep 0.2\n")))
    seen, ended = 0, False
    for kill in range(12):
        pause(rng.uniform(0.05, 0.6))
        seen_before, seen = seen, turns(replay(three, execution))  # beside the running coordinator
        assert seen >= seen_before, "what was committed stays"
        three.kill_coordinator()
        seen_before, seen = seen, turns(replay(three, execution))
        assert seen >= seen_before
        three.start_coordinator()
    assert three.ended(execution)["status"] == "Succeeded"
    all_turns = turns(replay(three, execution[:8]))
    first = replay(three, execution, "--until", "1")
    assert first.startswith("after turn 1, ")
    for turn in range(2, all_turns + 1):
        assert "\nexecution/xr/" in replay(three, execution, "--until", str(turn))
    last = replay(three, execution, "--until", str(all_turns))
    assert "status: SUCCEEDED" in last
    dumped = subprocess.run([BIN / "coordinator/meridian-coordinator", "dump", "--config", three.config], cwd=three.folder,
                            capture_output=True, text=True, timeout=60).stdout
    records = last.split("\n", 1)[1].rsplit("\n\nexecution ", 1)[0]
    for record in re.split(r"\n\n(?=execution/|job/)", records):
        assert record in dumped


def test_the_state_at_a_time_is_what_it_was_then(one):
    one.apply(one.pipeline())
    execution = one.execution_of(one.push(app("one", hook_text=TRACE + HOLD)))
    until(one.only.trace, "the first hook")
    text = replay(one, execution, "--until", "1000000")
    when = re.search(r"after turn (\d+), (\S+)\n", text)
    assert re.search(r"\njob/.*\n(.*\n)*? *status: IN_PROGRESS", text)
    pause(1.1)  # into another second than the one that is asked for
    (one.only.home / "go").touch()
    assert one.ended(execution)["status"] == "Succeeded"
    then = replay(one, execution, "--at", when[2])
    assert int(re.search(r"after turn (\d+),", then)[1]) >= int(when[1])
    assert not re.search(r"\n  execution:\n(.*\n)*?    status: SUCCEEDED", then), "it had not ended then"
    assert "status: SUCCEEDED" in replay(one, execution, "--at", "2100-01-01T00:00:00Z")
