#include "document/graph.hpp"
