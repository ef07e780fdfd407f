import Foundation
import RxTesting
import TestWorld
import Testing

/// The client compared with a simple model of a file system, over random operations.
@Suite struct ModelTests {
  /// AFSFUSE_MODEL_SEED chooses one, to look at a failure again.
  static let seeds: [UInt64] =
    ProcessInfo.processInfo.environment["AFSFUSE_MODEL_SEED"].flatMap(UInt64.init).map { [$0] } ?? Array(1...24)

  @Test("The client and the model do the same, and show the same", arguments: seeds)
  func same(seed: UInt64) throws {
    try World.run(
      seed: seed,
      {
        $0.clients = 2
        $0.withKernel = true
        $0.timeLimit = .seconds(10_000_000)
      }
    ) { world async throws in
      var work = RandomWork(world, seed: seed)
      try await work.run(steps: 200)
    }
  }

  @Test("And do so on a bad network", arguments: 101...106 as ClosedRange<UInt64>)
  func sameOnABadNetwork(seed: UInt64) throws {
    try World.run(
      seed: seed,
      {
        $0.clients = 2
        $0.withKernel = true
        $0.timeLimit = .seconds(10_000_000)
        $0.conditions = .bad
      }
    ) { world async throws in
      var work = RandomWork(world, seed: seed)
      try await work.run(steps: 120)
    }
  }
}

/// What was shown is not what the model has.
struct Difference: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
