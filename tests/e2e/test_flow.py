"""Approvals, transitions and rollbacks on real processes, through the client."""
from world import app, until

GATE = {"name": "Gate", "actions": [{
    "name": "Look", "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
    "configuration": {"CustomData": "look at it"}}]}


def gated(w):
    definition = w.pipeline("gated")
    definition["pipeline"]["stages"].insert(1, GATE)
    w.apply(definition)
    return w.execution_of(w.push(app("first"), "gated"), "gated")


def look(w, execution):
    return w.json("status", "gated", execution)["stageStates"][1]["actionStates"][0]["latestExecution"]


def test_an_execution_is_approved_once_held_and_rolled_back(one):
    first = gated(one)
    until(lambda: look(one, first)["status"] == "InProgress", "the question")
    assert "look at it" in one.meridian("status", "gated").stdout
    one.meridian("transition", "disable", "gated", "Prod", "--reason", "freeze")
    one.meridian("approve", "gated", "--comment", "fine")
    assert look(one, first)["status"] == "Succeeded"
    again = one.meridian("reject", "gated", status=6)
    assert "ApprovalAlreadyCompletedException" in again.stderr
    assert "freeze" in one.meridian("status", "gated").stdout
    one.meridian("transition", "enable", "gated", "Prod")
    one.ended(first, "gated")
    second = one.execution_of(one.push(app("second"), "gated"), "gated")
    until(lambda: look(one, second)["status"] == "InProgress", "the second question")
    one.meridian("approve", second)
    one.ended(second, "gated")
    back = one.meridian("rollback", "gated", "Prod").stdout.strip()
    view = one.ended(back, "gated")
    assert view["executionType"] == "ROLLBACK"
    assert view["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == first
