package import AFSBase
package import AFSCredentials
package import RxCore
package import RxSecurity
package import RxTransport
import Synchronization

/// The tokens of all identities, by cell, and the security references that calls name.
///
/// A leaf in the lock order. Bounded: beyond `entriesMax` identities without a token are forgotten; those with one
/// were put in by their users.
package final class CredentialTable: Sendable {
  package struct Key: Hashable, Sendable {
    package var identity: Identity
    package var cell: UInt32
    package init(identity: Identity, cell: UInt32) {
      self.identity = identity
      self.cell = cell
    }
  }

  package struct Entry: Sendable {
    package var held = HeldCredentials()
    package var reference = RxClientSecurityReference.none
    package var checkedAt: MonotonicTime?
    /// The log says already that a store waits for a token.
    package var isHeldBackTold = false
    /// The log says already that there is no token.
    package var isAnonymityTold = false
    /// Held while the provider is asked.
    package let lock = AsyncLock()
    /// What is under way.
    package var question: Question?
  }

  /// A question to the provider, for which several may wait: not for as long as it takes, for a key distribution centre may
  /// be silent.
  package struct Question: Sendable {
    package let startedAt: MonotonicTime
    package let done = Completion()
  }

  private static let entriesMax = 4096

  package let provider: (any TokenProvider)?
  package let registry: (any RxSecurityRegistry)?
  package let level: RxkadLevel
  /// Starts a task on the executor that calls run on.
  package let spawn: FileContentsContext.Spawner
  private let entries = Mutex<[Key: Entry]>([:])

  package init(
    provider: (any TokenProvider)?, registry: (any RxSecurityRegistry)?, level: RxkadLevel,
    spawn: @escaping FileContentsContext.Spawner
  ) {
    self.provider = provider
    self.spawn = spawn
    self.registry = registry
    self.level = level
  }

  /// No token can be here: everybody is anonymous.
  package var isIdle: Bool { registry == nil || provider == nil && entries.withLock { $0.isEmpty } }

  package var all: [(key: Key, entry: Entry)] { entries.withLock { $0.map { ($0.key, $0.value) } } }

  /// A copy; nil when nothing is known.
  package func entry(_ key: Key) -> Entry? { entries.withLock { $0[key] } }

  /// Changes an entry, which is made if it is not there.
  package func change<Value>(_ key: Key, _ body: (inout Entry) -> Value) -> Value {
    entries.withLock { entries in
      if entries[key] == nil, entries.count >= Self.entriesMax {
        entries = entries.filter { $0.value.held.token != nil }
      }
      return body(&entries[key, default: Entry()])
    }
  }
}
