import statebag
from statebag import Policy, default_client
from statebag.default_client import from_environment
from tests.bags import noise


def test_a_warm_process_does_not_read_settings_again(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://test-warm")
    first = from_environment()

    def read(_):
        raise AssertionError("the settings were read again")

    monkeypatch.setattr(default_client, "policy_from_environment", read)
    assert from_environment() is first


def test_a_variable_that_changes_is_seen_and_one_that_says_nothing_changes_nothing(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://test-warm")
    first = from_environment()
    monkeypatch.setenv("SOMETHING_ELSE", "1")
    assert from_environment() is first
    monkeypatch.setenv("STATEBAG_FIELD_LIMIT", "1000")
    assert from_environment().policy.field_limit == 1000
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
    assert from_environment().policy.max_open_bytes == 32 * 2**20
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
    monkeypatch.delenv("STATEBAG_FIELD_LIMIT")
    assert from_environment() is first
    assert first.policy == Policy()


def test_a_step_makes_no_policy_of_its_own(monkeypatch):
    monkeypatch.setenv("STATEBAG_STORE", "memory://test-warm")

    @statebag.step
    def handler(state, _context):
        return {**state, "n": state["n"] + 1}

    event = handler({"execution_id": "m/e", "n": 0}, None)
    made = []
    checked = Policy.__post_init__
    monkeypatch.setattr(Policy, "__post_init__", lambda self: (made.append(1), checked(self)))
    handler(event, None)
    assert made == []


def test_a_store_in_the_working_directory_is_that_of_each_directory(tmp_path, monkeypatch):
    """The default store, too, is looked for where the process is now."""
    monkeypatch.delenv("STATEBAG_STORE", raising=False)
    text = noise(400_000)
    for name in ("one", "two", "one"):
        (tmp_path / name).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / name)
        bag = statebag.step(lambda state, _context: {**state, "text": text})(
            {"execution_id": "m/e"}, None
        )
        assert statebag.Statebag().open(bag, scope="m/e")["text"] == text
        assert [*(tmp_path / name).rglob("*.pack")]
