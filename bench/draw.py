"""Draw growth.svg from growth.json: time and image size by number of installs, and the time of `envs`."""

import json

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "pydock"
import matplotlib.pyplot as plt  # noqa: E402 - the backend must be selected first

with open("growth.json", encoding="utf-8") as file:
    data = json.load(file)

figure, (time_axes, size_axes, list_axes) = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
for tool, color in (("pydock", "tab:blue"), ("docker", "tab:orange")):
    steps = data[tool]
    numbers = range(1, len(steps) + 1)
    name = "pydock install" if tool == "pydock" else "docker run, pip, docker commit"
    time_axes.plot(numbers, [step[0] for step in steps], color=color, label=name)
    size_axes.plot(numbers, [step[1] / 1e6 for step in steps], color=color, label=name)
failed = len(data["docker"]) + 1
if failed <= len(data["pydock"]):
    for axes in (time_axes, size_axes):
        axes.axvline(failed, color="tab:orange", linestyle=":", label=f"fails at install {failed}")
time_axes.set(xlabel="installs", ylabel="seconds", title="Install time", ylim=0)
size_axes.set(xlabel="installs", ylabel="MB", title="Image size")
counts = [row[0] for row in data["envs"]]
list_axes.plot(counts, [row[1] for row in data["envs"]], marker="o", color="tab:blue", label="pydock envs")
list_axes.plot(counts, [row[2] for row in data["envs"]], marker="o", color="tab:gray", label="docker images")
list_axes.set(xlabel="environments", ylabel="seconds", title="Listing time", xscale="log", ylim=0)
for axes in (time_axes, size_axes, list_axes):
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig("growth.svg", metadata={"Date": None})
