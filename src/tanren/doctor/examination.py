"""Everything that `tanren doctor` looks at, in the order in which it is told."""

from collections.abc import Iterator
from contextlib import closing

from tanren.doctor import engines, machine
from tanren.doctor.findings import Finding
from tanren.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """One finding after the other, each as soon as it is known. Changes nothing, and asks nothing outside this machine.

    Cost     a process that imports torch and transformers, which runs beside the other checks.
    """
    with closing(engines.EngineFactsProcess(settings)) as process:
        # Imported here, while that process begins: they take a second.
        from tanren.catalog.weights import WeightsCatalogue
        from tanren.doctor import server

        weights = WeightsCatalogue(settings.data_dir)
        yield machine.python()
        yield machine.packages()
        yield machine.processor()
        yield machine.memory()
        yield machine.clock()
        compiler = machine.compiler()
        yield compiler
        yield engines.native_library(engine=settings.engine, has_compiler=bool(compiler.facts["path"]))
        held_by = server.holder(settings.data_dir)
        yield server.data_directory(settings.data_dir)
        yield server.disk(settings.data_dir)
        yield server.running_server(settings.data_dir, held_by)
        yield server.port(settings, held_by)
        yield server.neighbourhood(settings)
        yield server.catalogue(weights)
        yield server.embedded_weights()
        yield server.stored_weights(weights)
        gpus = machine.gpus()
        facts = process.answer()
        yield engines.torch_build(facts)
        yield engines.gpu(gpus, facts)
        yield engines.engine_of_bases(settings.engine, facts)
