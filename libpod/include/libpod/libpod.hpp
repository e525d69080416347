// All of libpod.
#pragma once

#include <libpod/context.hpp>
#include <libpod/error.hpp>
#include <libpod/flow.hpp>
#include <libpod/instance.hpp>
#include <libpod/names.hpp>
#include <libpod/remote.hpp>
#include <libpod/resources.hpp>
#include <libpod/snapshot.hpp>
#include <libpod/store.hpp>
