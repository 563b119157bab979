#!/usr/bin/env node
// Stands in git so that the command can be linked before the first build; the program itself is src/bin.ts.
import '../dist/bin.js'
