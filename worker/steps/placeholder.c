extern int worker_steps_placeholder;
int worker_steps_placeholder = 0;
