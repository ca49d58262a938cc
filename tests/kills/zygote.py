"""A process that has imported everything and done nothing: each run of the sweep is a fork of it, which costs milliseconds.

It reads lines of JSON (study, folder, url; kill, log, bytes, user, errors where they are said) and answers each with the way the run ended: 0, or minus the signal.
"""

import json
import os
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.kills import studies

from sociolect import provenance
from sociolect.report import page

if __name__ == "__main__":
    if "training" in sys.argv[1:]:
        # Imported, not used: a thread that has started does not survive a fork.
        import peft
        import torch
        import transformers
        from transformers.models.llama import modeling_llama

        assert all((peft, torch, transformers, modeling_llama))
        with TemporaryDirectory() as folder:  # a forward pass or a step would start threads; making a model does not
            studies.untrained(folder=Path(folder))
    if "endpoint" in sys.argv[1:]:
        import aiohttp

        assert aiohttp
    # Read off the disk, asked of the system and compiled once, not in every fork.
    provenance.code(), provenance.libraries(), provenance.hardware(), page._template()
    for line in sys.stdin:
        due = json.loads(line)
        process = os.fork()
        if process == 0:
            for name in ("SOCIOLECT_KILL", "SOCIOLECT_POINTS"):
                os.environ.pop(name, None)
            if due.get("errors"):
                os.dup2(os.open(due["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            os.environ.update(
                {k: due[v] for k, v in (("SOCIOLECT_KILL", "kill"), ("SOCIOLECT_POINTS", "log")) if due.get(v)}
            )
            if due.get("bytes"):
                # No file may grow beyond this: what a full disk does, without one.
                resource.setrlimit(resource.RLIMIT_FSIZE, (due["bytes"], resource.RLIM_INFINITY))
            if due.get("user"):
                os.setuid(due["user"])
            os._exit(studies.child(due["study"], due["folder"], due["url"]))
        _, status = os.waitpid(process, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)
