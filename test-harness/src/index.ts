export {
  runScenario,
  type Scenario,
  type ScenarioContext,
  ScenarioError,
  type ScenarioReport
} from './scenario.ts'
export { scenarios } from './scenarios.ts'
