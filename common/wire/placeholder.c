extern int common_wire_placeholder;
int common_wire_placeholder = 0;
