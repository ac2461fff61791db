extern int worker_shell_placeholder;
int worker_shell_placeholder = 0;
