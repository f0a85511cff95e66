"""The experimentation framework: a fixed workflow, interfaces for its steps, and everything around a run.

A project uses it; users neither edit it nor need to read it. Where to look:

| module | what is there |
|---|---|
| :mod:`expfw.workflow` | the ten nodes, on one screen |
| :mod:`expfw.interfaces` | what a component must be able to do |
| :mod:`expfw.services` | what a component's constructor can ask for |
| :mod:`expfw.components` | default components |
| :mod:`expfw.config` | experiment files, precedence, Kedro's config loader |
| :mod:`expfw.construct` | from a ``type`` to an instance |
| :mod:`expfw.run` | session, hooks, result folder, Sacred, environment |
| :mod:`expfw.report` | the report's page |
| :mod:`expfw.cli` | ``kedro experiment …`` |
"""
