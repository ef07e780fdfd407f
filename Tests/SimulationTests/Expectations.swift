import AFSClient
import TestWorld

/// The error of an operation that has to fail; nil if it did not.
func failure<Value>(_ body: () async throws -> Value) async -> AFSError? {
  do {
    _ = try await body()
    return nil
  } catch {
    return error as? AFSError ?? .system(0)
  }
}

/// Bytes which no piece of another file or offset has.
func pattern(_ count: Int, _ salt: Int = 0) -> [UInt8] {
  (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ ($0 >> 8) &* 7 &+ ($0 >> 16) &* 101 &+ salt) }
}

extension AFSError {
  var isCorrupt: Bool {
    if case .corrupt = self { return true }
    return false
  }
}
