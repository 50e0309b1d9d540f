"""Steps per second of LangGraph with its SQLite checkpointer: `FULL|NORMAL steps`."""

import sqlite3
import sys
import tempfile
import time
from typing import TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict, total=False):
    left: int


def step(state: State) -> State:
    return {"left": state["left"] - 1}


synchronous, size = sys.argv[1], int(sys.argv[2])
builder = StateGraph(State)
builder.add_node("step", step)
builder.add_edge(START, "step")
builder.add_conditional_edges("step", lambda state: "step" if state["left"] > 0 else END)
with tempfile.TemporaryDirectory(dir=".") as folder:
    connection = sqlite3.connect(f"{folder}/checkpoints.db", check_same_thread=False)
    saver = SqliteSaver(connection)
    saver.setup()
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    graph = builder.compile(checkpointer=saver)
    start = time.perf_counter()
    graph.invoke({"left": size}, {"recursion_limit": size + 10, "configurable": {"thread_id": "1"}})
    print(size / (time.perf_counter() - start))
    connection.close()
