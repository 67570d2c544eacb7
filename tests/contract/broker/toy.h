/* The adapter of docs/adapters.md, held to the contract so that the page stays right. */
#pragma once

#include "broker/broker.h"

extern const struct broker broker_toy;
