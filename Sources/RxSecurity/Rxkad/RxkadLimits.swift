/// How long one client connection carries calls; afterwards new calls open another one.
public struct RxkadLimits: Hashable, Sendable {
  /// Bytes of packet bodies in both directions (security headers and padding count in what is received only). fcrypt
  /// has blocks of 64 bits: after 2^32 of them (32 GiB) equal blocks of ciphertext begin to tell of the plaintext. The
  /// key is the session key whatever the connection, so that a smaller number than that does not make it any safer: a
  /// new session key does.
  public var byteCountMax: UInt64 = 16 << 30
  /// So that a server checks the ticket again now and then.
  public var age: Duration = .seconds(8 * 3600)

  public init() {}
}
