"""What a problem says in the log."""

from folkmoot.base.errors import Problem


def test_a_problem_in_a_log_line_has_its_parameters() -> None:
    assert str(Problem("The host %(name)s is 100 %% silent.", name="praha")) == "The host praha is 100 % silent."
    assert str(Problem("100 % silent")) == "100 % silent"
    assert str(Problem("For people.", log_text="for the log")) == "for the log"
