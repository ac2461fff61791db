extern int worker_core_placeholder;
int worker_core_placeholder = 0;
