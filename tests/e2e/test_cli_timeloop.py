"""`chipwise map --mapping` with a line in Timeloop's notation."""

LINE = "L2[WIO] C3 - L1[WIO] C2X K4Y - L0[WIO] N1\n"
OURS = """dram weight input output
for C in 3
buffer weight input output
pes rows C 2 | columns M 4
registers weight input output
mac
"""


def test_a_timeloop_line_costs_what_the_same_mapping_costs(run, tmp_path):
    found = []
    for name, text in (("theirs", LINE), ("ours", OURS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        found.append(run("map", "fc:M=4,C=6", "--on", "simple", "--mapping", str(tmp_path / name)))
    assert found[0] == found[1]
    assert "(8 of 256 PEs)" in found[0]
