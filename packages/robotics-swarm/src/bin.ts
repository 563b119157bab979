#!/usr/bin/env node
import { runProcess } from '@stigmergy/grid/cli'
import { main } from './cli/main.ts'

await runProcess(main)
