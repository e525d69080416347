#include "command_line.hpp"

int main(int argc, char** argv) { return podgit::run_command_line(argc, argv); }
