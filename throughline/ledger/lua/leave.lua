-- A worker has stopped in order: all that is known of it is forgotten, and that is no death.
--
-- flags: allow-oom
-- keys: workers worker_slots worker_tasks worker_starts worker_facts worker_runs deaths
-- args: worker record_prefix
-- uses: clock stamp deaths

forget_worker(ARG.worker)
