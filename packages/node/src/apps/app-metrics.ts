/** What the node knows of its apps, for Prometheus; label values are names of installed apps and of states. */
import type { Metric, MetricSample } from '@blocktree/gateway'
import type { AppHost } from './app-host.ts'

const states = ['running', 'idle', 'backing-off', 'suspended', 'stopped', 'failed'] as const

export function appMetrics(host: AppHost): readonly Metric[] {
  const names = host.knownNames()
  const facts = names.flatMap((app) => {
    const found = host.describe(app)
    return found === undefined ? [] : [{ app, ...found }]
  })
  const of = (read: (one: (typeof facts)[number]) => number): MetricSample[] =>
    facts.map((one) => ({ labels: { app: one.app }, value: read(one) }))
  return [
    {
      name: 'blocktree_app_state',
      help: '1 for the state that the app is in.',
      type: 'gauge',
      samples: names.flatMap((app) => {
        const is = host.stateInMemory(app)
        return states.map((state) => ({ labels: { app, state }, value: state === is ? 1 : 0 }))
      })
    },
    {
      name: 'blocktree_app_events_total',
      help: 'Events that the app was given since it was started.',
      type: 'counter',
      samples: of(({ invocations }) => invocations)
    },
    {
      name: 'blocktree_app_crashes_total',
      help: 'Processes of the app that failed since it was started.',
      type: 'counter',
      samples: of(({ crashes }) => crashes)
    },
    {
      name: 'blocktree_app_fuel_total',
      help: 'Fuel that the app has used since it was started.',
      type: 'counter',
      samples: of(({ fuelUsed }) => fuelUsed)
    },
    {
      name: 'blocktree_app_processes',
      help: 'Processes of the app.',
      type: 'gauge',
      samples: of(({ processes }) => processes.length)
    },
    {
      name: 'blocktree_app_events_queued',
      help: 'Events that wait for the app.',
      type: 'gauge',
      samples: of(({ queued }) => queued)
    },
    {
      name: 'blocktree_app_open_handles',
      help: 'What the app has open.',
      type: 'gauge',
      samples: of(({ openHandles }) => openHandles)
    },
    {
      name: 'blocktree_app_state_bytes',
      help: 'Bytes of the private key-value store of the app.',
      type: 'gauge',
      samples: of(({ stateBytes }) => stateBytes)
    }
  ]
}
