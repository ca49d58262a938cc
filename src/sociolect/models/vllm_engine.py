"""vLLM engines in this process: token numbers in, token numbers or log-probabilities out."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sociolect.errors import ModelError, needs

# Said before vLLM is loaded, where the environment says nothing else. Within this process requests are put together in an
# order that does not depend on the clock.
SAID = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "ERROR"}
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # the ranks that vLLM has room for: `MaxLoRARanks` in its config/lora.py
KEPT = 32  # adapters that an engine keeps in the host's memory: ours


class Run(NamedTuple):
    """Which weights an engine runs, and how: `digest` tells the weights from others that lay in the same place."""

    source: str
    digest: str
    dtype: str
    tensor_parallel: int
    memory: float
    context: int | None
    lora_rank: int | None


class Lora(NamedTuple):
    """An adapter over the weights of an engine."""

    folder: Path
    digest: str


_running: dict[Run, Any] = {}
_numbers: dict[Lora, int] = {}


def imported() -> Any:
    """The vllm module. Raises MissingExtra where it is not installed."""
    for name, value in SAID.items():
        os.environ.setdefault(name, value)
    try:
        import vllm
    except ImportError as error:
        raise needs("a vllm model", "vllm") from error
    return vllm


def engine(run: Run) -> Any:
    """The engine of this run, started where it does not run yet.

    Engines stay as long as their shares of the memory fit one GPU together; the one unused for longest is closed first.
    Raises MissingExtra where vLLM is not installed, ModelError where there is no GPU and where the engine does not start.
    """
    if run in _running:
        _running[run] = _running.pop(run)
        return _running[run]
    vllm = imported()
    from vllm.platforms import current_platform

    if current_platform.is_unspecified():
        raise ModelError(
            "vllm finds no GPU that it is built for: run it where one is, say url= for a server, or open the weights with hf/"
        )
    while _running and sum(one.memory for one in _running) + run.memory > 1:
        close(next(iter(_running)))
    lora = {} if run.lora_rank is None else {"max_lora_rank": run.lora_rank, "max_loras": 1, "max_cpu_loras": KEPT}
    try:
        _running[run] = vllm.LLM(
            model=run.source,
            dtype=run.dtype,
            tensor_parallel_size=run.tensor_parallel,
            gpu_memory_utilization=run.memory,
            max_model_len=run.context,
            enable_lora=run.lora_rank is not None,
            load_format="safetensors",
            use_tqdm_on_load=False,
            trust_remote_code=False,
            generation_config="vllm",  # the model's own would change how it is drawn from
            logprobs_mode="raw_logprobs",
            **lora,
        )
    except Exception as error:
        _freed()
        raise ModelError(
            f"the engine of {Path(run.source).name} does not start: {_last(error)}; memory={run.memory} is the share of each "
            f"GPU that it may take (gpu_memory_utilization): too much where others use the GPU, too little for a context of "
            f"{run.context or 'the whole length of the model'}; context=, dtype= and tensor_parallel= change what it needs"
        ) from error
    return _running[run]


def close(run: Run) -> None:
    """The engine of this run is ended and its memory given back; nothing happens where it does not run."""
    llm = _running.pop(run, None)
    if llm is None:
        return
    llm.llm_engine.engine_core.shutdown()
    del llm
    _freed()


class Engine(NamedTuple):
    """An engine of this process, with or without an adapter: what `Vllm` asks of it, a server answers too."""

    run: Run
    lora: Lora | None

    def room(self) -> int:
        """How many tokens a prompt and its reply may have together."""
        return int(engine(self.run).llm_engine.model_config.max_model_len)

    def continued(
        self,
        prompts: Sequence[Sequence[int]],
        seeds: Sequence[int],
        limits: Sequence[int],
        *,
        ends: Sequence[int],
        temperature: float,
        top_p: float,
        top_k: int | None,
    ) -> list[list[int]]:
        """What each prompt goes on to say, at most `limits` tokens with its end token; each draws by its own seed."""
        made = imported().SamplingParams
        how = [
            made(
                temperature=temperature,
                top_p=top_p,
                top_k=top_k or 0,
                seed=seed,
                max_tokens=limit,
                stop_token_ids=list(ends),
                ignore_eos=True,  # `ends` holds every end there is
                detokenize=False,
            )
            for seed, limit in zip(seeds, limits, strict=True)
        ]
        return [list(out.outputs[0].token_ids) for out in _asked(self.run, self.lora, prompts, how)]

    def numbers(self, prompts: Sequence[Sequence[int]], nexts: Sequence[Sequence[int]]) -> list[list[float]]:
        """The log-probability of each token of `nexts` as the next one of its prompt, of the bare model at temperature 1."""
        made = imported().SamplingParams
        how = [
            made(temperature=0.0, max_tokens=1, logprobs=len(due), logprob_token_ids=list(due), detokenize=False)
            for due in nexts
        ]
        found = []
        for due, out in zip(nexts, _asked(self.run, self.lora, prompts, how), strict=True):
            told = out.outputs[0].logprobs[0] if out.outputs[0].logprobs else {}
            if missing := [token for token in due if token not in told]:
                raise ModelError(f"vllm has no log-probability of {len(missing)} of {len(due)} tokens it was asked for")
            found.append([float(told[token].logprob) for token in due])
        return found


def _asked(run: Run, lora: Lora | None, prompts: Sequence[Sequence[int]], how: Any) -> list[Any]:
    from vllm.lora.request import LoRARequest

    llm, worn = engine(run), None
    if lora is not None:
        # an adapter that was trained anew in its folder is another adapter
        number = _numbers.setdefault(lora, len(_numbers) + 1)
        worn = LoRARequest(f"{lora.folder.name}-{number}", number, str(lora.folder))
    asked = [imported().TokensPrompt(prompt_token_ids=list(ids)) for ids in prompts]
    with _whole(run):
        return list(llm.generate(asked, how, use_tqdm=False, lora_request=worn))


@contextmanager
def _whole(run: Run) -> Iterator[None]:
    """What fails in here ends the engine: it would hold requests that nobody waits for, and answer them to the next."""
    try:
        yield
    except BaseException as error:
        close(run)
        if isinstance(error, Exception):
            raise ModelError(f"vllm gives up on {Path(run.source).name}: {_last(error)}") from error
        raise


def _last(error: Exception) -> str:
    """The head of what an engine says of its failure; its messages go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "validation error" not in line]
    return (lines[0] if lines else type(error).__name__)[:300].rstrip(".")


def _freed() -> None:
    gc.collect()
    if not _running:
        from vllm.distributed import cleanup_dist_env_and_memory

        cleanup_dist_env_and_memory()
