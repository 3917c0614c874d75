CREATE TABLE public.annotations (
    project character varying NOT NULL,
    id character varying NOT NULL,
    task character varying,
    annotator character varying,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    lead_time double precision,
    cancelled boolean NOT NULL,
    deleted_at timestamp with time zone,
    event character varying(64)
);
CREATE TABLE public.clicks (
    state character varying(64) NOT NULL,
    parent character varying(64),
    project character varying NOT NULL,
    task character varying NOT NULL,
    region character varying NOT NULL,
    label character varying NOT NULL,
    place integer NOT NULL,
    click_id character varying NOT NULL,
    x integer NOT NULL,
    y integer NOT NULL,
    positive boolean NOT NULL,
    box character varying,
    origin character varying NOT NULL,
    start character varying(64),
    model_version character varying NOT NULL,
    milliseconds double precision,
    asked_at timestamp with time zone NOT NULL,
    mask character varying(64),
    image text NOT NULL
);
CREATE TABLE public.events (
    digest character varying(64) NOT NULL,
    received_at timestamp with time zone NOT NULL,
    action character varying NOT NULL,
    body bytea NOT NULL,
    problem text
);
CREATE TABLE public.masks (
    key character varying(64) NOT NULL,
    height integer NOT NULL,
    width integer NOT NULL,
    png bytea NOT NULL
);
CREATE TABLE public.regions (
    project character varying NOT NULL,
    annotation character varying NOT NULL,
    id character varying NOT NULL,
    label character varying NOT NULL,
    kind character varying NOT NULL,
    origin character varying NOT NULL,
    mask character varying(64),
    problem text
);
CREATE TABLE public.schedule (
    name character varying NOT NULL,
    begun_at timestamp with time zone NOT NULL
);
CREATE TABLE public.tasks (
    project character varying NOT NULL,
    id character varying NOT NULL,
    data text,
    synced_at timestamp with time zone
);
INSERT INTO public.masks (key, height, width, png) VALUES ('614e07473418bb90b7c0e0cb53e18c57b45f034c5c916a3ce496ce0476190492', 6, 10, '\x89504e470d0a1a0a0000000d494844520000000a000000060100000000d28b326b0000001849444154789c05c1010d000000c220f600f68f2b0026020700ca001340afc89d0000000049454e44ae426082');
INSERT INTO public.masks (key, height, width, png) VALUES ('3009bafdebd0df47af1cb29a2fef95f3deeb5b7428c1d0ba3c211ed45d8f08c6', 6, 10, '\x89504e470d0a1a0a0000000d494844520000000a000000060100000000d28b326b0000000e49444154789c6360800116280d00003200058b3238fe0000000049454e44ae426082');
INSERT INTO public.masks (key, height, width, png) VALUES ('151199d27be735c5590aa9e93080ed10c4a9b51ee8d5deff5c89060d5c6babde', 6, 10, '\x89504e470d0a1a0a0000000d494844520000000a000000060100000000d28b326b0000001149444154789c636060609067606240200002000028ef4d91780000000049454e44ae426082');
INSERT INTO public.masks (key, height, width, png) VALUES ('157801aeaa01a96432182c79390935f697fb295091527204cdd799cc622941e2', 6, 10, '\x89504e470d0a1a0a0000000d494844520000000a000000060100000000d28b326b0000000b49444154789c63604007000012000177f1fa000000000049454e44ae426082');
INSERT INTO public.annotations (project, id, task, annotator, created_at, updated_at, lead_time, cancelled, deleted_at, event) VALUES ('1.1767225600', '9', '3', '4', '2026-01-01 12:00:00+00', '2026-01-01 12:00:00+00', 8.5, false, NULL, '2834a891accea3bdfc5a71c8fe8980651da359e0e13be7553bcd83924265ac03');
INSERT INTO public.annotations (project, id, task, annotator, created_at, updated_at, lead_time, cancelled, deleted_at, event) VALUES ('1.1767225600', '10', '3', '4', '2026-01-01 12:00:00+00', '2026-01-01 12:00:00+00', 8.5, false, '2026-01-01 12:01:00+00', 'a9c92350a02e4a32a2f26f9e614525d9662937279b2909029fa7fc83fdcfddbe');
INSERT INTO public.clicks (state, parent, project, task, region, label, place, click_id, x, y, positive, box, origin, start, model_version, milliseconds, asked_at, mask, image) VALUES ('7f94e858d4c93970eb6edccf7965a1a3a3bbc57c687632fdcef9db597eb2a044', NULL, '1.1767225600', '3', 'object', 'cell', 0, 'a', 0, 2, true, NULL, 'nothing', NULL, 'discs-1', NULL, '2026-01-01 12:00:00+00', NULL, '/data/upload/a.png');
INSERT INTO public.clicks (state, parent, project, task, region, label, place, click_id, x, y, positive, box, origin, start, model_version, milliseconds, asked_at, mask, image) VALUES ('1cc136cc4eafc5ad8da4d0880be59d2e4d8239de65af9aa7cf240457713cea9d', '7f94e858d4c93970eb6edccf7965a1a3a3bbc57c687632fdcef9db597eb2a044', '1.1767225600', '3', 'object', 'cell', 1, 'b', 1, 2, false, NULL, 'click', NULL, 'discs-1', 42, '2026-01-01 12:00:00+00', '614e07473418bb90b7c0e0cb53e18c57b45f034c5c916a3ce496ce0476190492', '/data/upload/a.png');
INSERT INTO public.clicks (state, parent, project, task, region, label, place, click_id, x, y, positive, box, origin, start, model_version, milliseconds, asked_at, mask, image) VALUES ('138c41255df3afc9f6dad8f907c0780efbcab0df3a47e3b343449378be0613ae', NULL, '1.1767225600', '3', 'other', 'cell', 0, 'c', 0, 2, true, NULL, 'draft', '151199d27be735c5590aa9e93080ed10c4a9b51ee8d5deff5c89060d5c6babde', 'discs-1', 41, '2026-01-01 12:00:00+00', '3009bafdebd0df47af1cb29a2fef95f3deeb5b7428c1d0ba3c211ed45d8f08c6', '/data/upload/a.png');
INSERT INTO public.clicks (state, parent, project, task, region, label, place, click_id, x, y, positive, box, origin, start, model_version, milliseconds, asked_at, mask, image) VALUES ('dd6053d223b612a52ee079e4a16df4a5f80d2975253c08cec511ab28d7627e46', NULL, '1.1767225600', '3', 'boxed', 'cell', 0, 'd', 0, 2, true, '1 2 5 6', 'box', NULL, 'discs-1', 41, '2026-01-01 12:00:00+00', '3009bafdebd0df47af1cb29a2fef95f3deeb5b7428c1d0ba3c211ed45d8f08c6', '/data/upload/a.png');
INSERT INTO public.events (digest, received_at, action, body, problem) VALUES ('2834a891accea3bdfc5a71c8fe8980651da359e0e13be7553bcd83924265ac03', '2026-01-01 12:00:00+00', 'ANNOTATION_CREATED', '\x7b22616374696f6e223a2022414e4e4f544154494f4e5f43524541544544222c2022616e6e6f746174696f6e223a207b226964223a20392c20227461736b223a20332c2022636f6d706c657465645f6279223a20342c2022637265617465645f6174223a2022323032362d30312d30315431323a30303a30302b30303a3030222c2022757064617465645f6174223a2022323032362d30312d30315431323a30303a30302b30303a3030222c20226c6561645f74696d65223a20382e352c20227761735f63616e63656c6c6564223a2066616c73652c2022726573756c74223a205b7b226964223a20226f626a656374222c202274797065223a202262727573686c6162656c73222c202266726f6d5f6e616d65223a20226272757368222c2022746f5f6e616d65223a2022696d616765222c20226f726967696e616c5f7769647468223a2031302c20226f726967696e616c5f686569676874223a20362c20226f726967696e223a202270726564696374696f6e222c202276616c7565223a207b22666f726d6174223a2022726c65222c2022726c65223a205b302c20302c20302c203234302c2035372c2032372c203235342c2039352c20302c203138332c203235352c203133342c203139322c2034352c203235352c203232352c203137362c2031312c203132372c203234382c203230342c20305d2c202262727573686c6162656c73223a205b2263656c6c225d7d7d2c207b226964223a20226f6464222c202274797065223a202262727573686c6162656c73222c202266726f6d5f6e616d65223a20226272757368222c2022746f5f6e616d65223a2022696d616765222c20226f726967696e616c5f7769647468223a2031302c20226f726967696e616c5f686569676874223a20362c20226f726967696e223a202270726564696374696f6e222c202276616c7565223a207b7d7d5d7d2c20227461736b223a207b226964223a20332c202264617461223a207b22696d616765223a20222f646174612f75706c6f61642f612e706e67227d7d2c202270726f6a656374223a207b226964223a20312c2022637265617465645f6174223a2022323032362d30312d30315430303a30303a30302e355a227d7d', NULL);
INSERT INTO public.events (digest, received_at, action, body, problem) VALUES ('a9c92350a02e4a32a2f26f9e614525d9662937279b2909029fa7fc83fdcfddbe', '2026-01-01 12:00:00+00', 'ANNOTATION_CREATED', '\x7b22616374696f6e223a2022414e4e4f544154494f4e5f43524541544544222c2022616e6e6f746174696f6e223a207b226964223a2031302c20227461736b223a20332c2022636f6d706c657465645f6279223a20342c2022637265617465645f6174223a2022323032362d30312d30315431323a30303a30302b30303a3030222c2022757064617465645f6174223a2022323032362d30312d30315431323a30303a30302b30303a3030222c20226c6561645f74696d65223a20382e352c20227761735f63616e63656c6c6564223a2066616c73652c2022726573756c74223a205b5d7d2c20227461736b223a207b226964223a20332c202264617461223a207b22696d616765223a20222f646174612f75706c6f61642f612e706e67227d7d2c202270726f6a656374223a207b226964223a20312c2022637265617465645f6174223a2022323032362d30312d30315430303a30303a30302e355a227d7d', NULL);
INSERT INTO public.events (digest, received_at, action, body, problem) VALUES ('46d31f31db4f62224d8cdb72b76ed83b27f524c30870a47bfc47cdd44c81cf0d', '2026-01-01 12:01:00+00', 'ANNOTATIONS_DELETED', '\x7b22616374696f6e223a2022414e4e4f544154494f4e535f44454c45544544222c2022616e6e6f746174696f6e73223a205b7b226964223a2031307d5d2c202270726f6a656374223a207b226964223a20312c2022637265617465645f6174223a2022323032362d30312d30315430303a30303a30302e355a227d7d', NULL);
INSERT INTO public.events (digest, received_at, action, body, problem) VALUES ('bd8845bdb471027a7abdf4578a4458c2611552d1872941061638e138287dfb14', '2026-01-01 12:00:00+00', '', '\x6e6f7468696e67207265616461626c65', 'body: Invalid JSON: expected ident at line 1 column 2');
INSERT INTO public.regions (project, annotation, id, label, kind, origin, mask, problem) VALUES ('1.1767225600', '9', 'object', 'cell', 'brushlabels', 'prediction', '614e07473418bb90b7c0e0cb53e18c57b45f034c5c916a3ce496ce0476190492', NULL);
INSERT INTO public.regions (project, annotation, id, label, kind, origin, mask, problem) VALUES ('1.1767225600', '9', 'odd', '', 'brushlabels', 'prediction', '157801aeaa01a96432182c79390935f697fb295091527204cdd799cc622941e2', NULL);
INSERT INTO public.schedule (name, begun_at) VALUES ('sync', '2026-01-01 12:00:00+00');
INSERT INTO public.tasks (project, id, data, synced_at) VALUES ('1.1767225600', '3', '{"image": "/data/upload/a.png"}', '2026-01-01 12:00:00+00');
ALTER TABLE ONLY public.annotations
    ADD CONSTRAINT annotations_pkey PRIMARY KEY (project, id);
ALTER TABLE ONLY public.clicks
    ADD CONSTRAINT clicks_pkey PRIMARY KEY (state);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.masks
    ADD CONSTRAINT masks_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.regions
    ADD CONSTRAINT regions_pkey PRIMARY KEY (project, annotation, id);
ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT schedule_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.tasks
    ADD CONSTRAINT tasks_pkey PRIMARY KEY (project, id);
CREATE INDEX ix_annotations_task ON public.annotations USING btree (task);
CREATE INDEX ix_clicks_project ON public.clicks USING btree (project);
CREATE INDEX ix_clicks_region ON public.clicks USING btree (region);
CREATE INDEX ix_events_received_at ON public.events USING btree (received_at);
ALTER TABLE ONLY public.clicks
    ADD CONSTRAINT clicks_mask_fkey FOREIGN KEY (mask) REFERENCES public.masks(key);
ALTER TABLE ONLY public.clicks
    ADD CONSTRAINT clicks_start_fkey FOREIGN KEY (start) REFERENCES public.masks(key);
ALTER TABLE ONLY public.regions
    ADD CONSTRAINT regions_mask_fkey FOREIGN KEY (mask) REFERENCES public.masks(key);
