extern int coordinator_shell_placeholder;
int coordinator_shell_placeholder = 0;
