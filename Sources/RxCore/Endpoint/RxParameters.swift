extension RxParameter {
  private static let dayInSeconds = 86_400

  /// All parameters: windows and sizes first, then times and bounds. What they are in `RxEndpointConfiguration` is told
  /// there.
  public static let all: [RxParameter] = [
    RxParameter(
      "rx_window_size", .packets, 1...RxEndpointConfiguration.windowMax, \.receiveWindow,
      "packets that a peer may send ahead of the reader"),
    RxParameter(
      "tx_window_size", .packets, 1...RxEndpointConfiguration.windowMax, \.transmitWindow,
      "packets sent ahead of the acknowledgements"),
    RxParameter(
      "req_ack_delay", .milliseconds, 0...1000, \.requestedAckDelay, "wait before an ack that a packet asked for"),
    RxParameter(
      "soft_ack_delay", .milliseconds, 1...1000, \.softAckDelay, "wait before fewer packets than usual are acknowledged"
    ),
    RxParameter(
      "idle_ack_delay", .milliseconds, 1...1000, \.idleAckDelay, "wait before the peer hears that packets were read"),
    RxParameter(
      "resend_timeout", .milliseconds, 20...10_000, \.retransmitTimeoutInitial,
      "wait for an ack before anything is known of the peer"),
    RxParameter("rx_mtu", .bytes, 64...1536, \.payloadMax, "data in a packet, in both directions"),
    RxParameter(
      "rx_jumbo_max", .packets, 1...RxEndpointConfiguration.jumboMax, \.jumboReceiveMax,
      "packets in a datagram that peers are told to send; more are taken"),
    RxParameter(
      "tx_jumbo_max", .packets, 1...RxEndpointConfiguration.jumboMax, \.jumboTransmitMax,
      "packets put into a datagram for peers that want it"),
    RxParameter(
      "max_call_lifetime", .seconds, 0...dayInSeconds, \.callLifetimeMax, "limit on every call; 0 for none"),
    RxParameter(
      "dead_call_expiry", .seconds, 1...3600, \.connectionLingerTime,
      "how long the last word of an ended call is repeated to a peer that missed it"),
    RxParameter(
      "connection_expiry", .seconds, 1...dayInSeconds, \.connectionIdleTime,
      "how long an unused client connection is kept"),
    RxParameter(
      "transport_expiry", .seconds, 0...dayInSeconds, \.peerIdleTime,
      "how long what is known of a peer is kept after its last connection"),
    RxParameter(
      "service_connection_expiry", .seconds, 1...dayInSeconds, \.serverConnectionIdleTime,
      "how long an unused connection of a client of ours is kept"),
    RxParameter(
      "service_connections_max", .connections, 1...1_000_000, \.serverConnectionsMax, "connections of clients at most"),
    RxParameter(
      "accept_queue_depth", .calls, 1...65536, \.acceptQueueDepth, "calls of clients that may wait for a handler"),
    RxParameter(
      "service_dead_time", .seconds, 2...3600, \.serverDeadTime, "how long a client may show no sign of life"),
  ]
}
