#include "steps/step.h"

int main(int argc, char **argv)
{
    return step_main(argc, argv);
}
