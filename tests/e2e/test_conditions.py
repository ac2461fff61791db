"""Conditions of a stage, with real addresses that are asked and a person who overrides."""
import http.server
import json
import socket
import threading

import pytest

from world import action_of, app, until, world


def rule(name, provider, owner="AWS", **configuration):
    return {"name": name, "configuration": configuration,
            "ruleTypeId": {"category": "Rule", "owner": owner, "provider": provider, "version": "1"}}


def with_conditions(w, name, **conditions):
    definition = w.pipeline(name)
    for key, (result, rules) in conditions.items():
        definition["pipeline"]["stages"][1][key] = {"conditions": [{"result": result, "rules": rules}]}
    w.apply(definition)
    return definition


def rules_of(view, key):
    return view["stageStates"][1][key]["conditionStates"][0]["ruleStates"]


@pytest.fixture
def two():
    with world(regions=["us-west-2", "us-east-1"]) as w:
        yield w.up()


@pytest.fixture
def site():
    """An HTTP server on loopback that says what it is told to say."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            status, body = self.server.says
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.says = [], (200, b"")
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_stage_is_left_out_when_its_variable_says_so(two):
    with_conditions(two, "vars", beforeEntry=("SKIP", [rule(
        "never", "VariableCheck", Variable="#{codepipeline.PipelineExecutionId}", Operator="EQ", Value="x")]))
    _, view = two.deploy(app("first"), "vars")
    assert view["status"] == "Succeeded"
    assert view["stageStates"][1]["latestExecution"]["status"] == "Skipped"
    for worker in two.workers.values():
        with pytest.raises(FileNotFoundError):
            worker.page("vars")
    assert "does not hold" in rules_of(view, "beforeEntryConditionState")[0]["latestExecution"]["errorDetails"]["message"]


def test_a_window_holds_a_stage_until_somebody_overrides_it(two):
    with_conditions(two, "night", beforeEntry=("FAIL", [rule(
        "once", "DeploymentWindow", Cron="0 0 3 29 2 ?", TimeZone="Europe/Berlin")]))
    execution = two.execution_of(two.push(app("first"), "night"), "night")

    def waits():
        view = two.try_json("status", "night", execution)
        return view and rules_of(view, "beforeEntryConditionState")[0]["latestExecution"]["status"] == "InProgress"

    until(waits, "the rule")
    assert "the window opens at" in two.meridian("status", "night").stdout
    why = two.meridian("why", execution).stdout
    assert "ConditionAwaited" in why and "meridian condition override night Prod beforeEntry" in why
    two.kill_coordinator()
    two.start_coordinator()
    until(waits, "the rule after the restart")
    assert "ConditionNotOverridable" in two.meridian("condition", "override", "night", "Prod", "onSuccess", status=6).stderr
    two.meridian("condition", "override", "night", "Prod", "beforeEntry", "--reason", "hot fix")
    view = two.ended(execution, "night")
    assert view["status"] == "Succeeded"
    state = rules_of(view, "beforeEntryConditionState")[0]["latestExecution"]
    assert state["status"] == "Skipped" and state["summary"].endswith(": hot fix")
    assert "overridden by" in two.meridian("status", "night").stdout


def test_an_address_that_is_not_well_fails_the_stage_and_it_goes_back(two, site):
    definition = with_conditions(two, "web", onSuccess=("ROLLBACK", [rule("well", "Http", "Custom", Url=site.url + "/health")]))
    _, view = two.deploy(app("first"), "web")
    assert view["status"] == "Succeeded"
    assert site.asked == ["/health"]
    assert definition["pipeline"]["stages"][1]["onSuccess"] == json.loads(
        two.meridian("export", "web").stdout)["pipeline"]["stages"][1]["onSuccess"]
    site.says = (503, b"")
    _, bad = two.deploy(app("second"), "web")
    assert bad["status"] == "Failed"
    assert bad["statusSummary"].count("the answer is 503") or "brings back" in bad["statusSummary"]
    back = two.ended(two.executions("web")[0]["pipelineExecutionId"], "web")
    assert (back["status"], back["executionType"]) == ("Succeeded", "ROLLBACK")
    assert [worker.page("web") for worker in two.workers.values()] == ["first"] * 2


def test_a_query_with_a_result_keeps_a_stage_shut(two, site):
    answer = {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "1"]}]}}
    site.says = (200, json.dumps(answer).encode())
    with_conditions(two, "prom", beforeEntry=("FAIL", [rule("errors", "Prometheus", "Custom", Url=site.url,
                                                           Query='rate(errors{job="a b"}[5m]) > 0')]))
    execution, view = two.deploy(app("first"), "prom")
    assert view["status"] == "Failed"
    assert site.asked == ["/api/v1/query?query=rate%28errors%7Bjob%3D%22a%20b%22%7D%5B5m%5D%29%20%3E%200"]
    assert "condition beforeEntry of stage Prod is not met: errors: the query has a result" in view["statusSummary"]
    assert action_of(view, two.regions[0])["latestExecution"]["status"] == "Pending"
    answer["data"]["result"] = []
    site.says = (200, json.dumps(answer).encode())
    two.meridian("retry", "prom", view["pipelineExecutionId"])
    assert two.ended(view["pipelineExecutionId"], "prom")["status"] == "Succeeded"


def test_addresses_that_misbehave_decide_nothing_and_hold_nobody_up(two):
    """One takes the connection and is silent, one speaks no HTTP, one says 200 and never ends; the coordinator dies meanwhile."""
    says = {"silent": b"", "strange": b"\x00\xff hello\r\n" * 100, "endless": b"HTTP/1.1 200 OK\r\n\r\n"}
    stop, threads, urls = threading.Event(), [], {}

    def serve(listener, name):
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            with connection:
                connection.settimeout(1)
                try:
                    connection.recv(4096)
                    connection.sendall(says[name])
                    while name == "endless" and not stop.is_set():
                        connection.sendall(b"x" * 65536)
                except OSError:
                    pass
                while name == "silent" and not stop.wait(0.1):
                    pass

    for name in says:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(0.2)
        urls[name] = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        threads.append(threading.Thread(target=serve, args=(listener, name)))
        threads[-1].start()
    try:
        with_conditions(two, "odd", beforeEntry=("FAIL", [rule(name, "Http", "Custom", Url=url) for name, url in urls.items()]))
        execution = two.execution_of(two.push(app("first"), "odd"), "odd")

        def state(name):
            view = two.try_json("status", "odd", execution) or {"stageStates": [{}, {}]}
            states = view["stageStates"][1].get("beforeEntryConditionState")
            found = [r["latestExecution"] for r in states["conditionStates"][0]["ruleStates"] if r["ruleName"] == name] if states else []
            return found[0] if found else {}

        until(lambda: state("endless").get("summary") == "the answer is 200", "the status of the endless one")
        until(lambda: state("strange").get("summary", "").startswith("no answer: "), "what speaks no HTTP")
        two.kill_coordinator()
        two.start_coordinator()
        until(lambda: state("silent").get("summary", "").startswith("no answer: "), "the silence")
        assert [state(name)["status"] for name in says] == ["InProgress", "InProgress", "Succeeded"]
        two.meridian("condition", "override", "odd", "Prod", "beforeEntry")
        assert two.ended(execution, "odd")["status"] == "Succeeded"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
